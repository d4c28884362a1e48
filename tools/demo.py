# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets two phones call each other through Sallyport, and checks everything it claims about that.

Builds Sallyport, makes three network namespaces (an access side, Sallyport, a core side) and a certificate authority, starts sallyportd with
docs/example/phones.toml, and baresip and linphone on either side. They register over TLS and call each other with SRTP, whose keys come by SDES,
then, at further listeners, by ZRTP and by DTLS. With --media the media plane is shown alone: relays that sallyctl sets up between GStreamer and
ffmpeg. With --browser it is for a person: it serves a page that is a phone, with phones that answer it, until Ctrl-C. Exits with 0 only when
every claim holds.
"""

import argparse
import json
import pathlib
import platform
import signal
import subprocess
import sys
import time

from demo_browser import BrowserDemonstration
from demo_calls import CallDemonstration
from demo_claims import Claims
from demo_daemon import Failed
from demo_media import MediaDemonstration
from demo_network import Stage, stages_left

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build-demo"


def build(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """The programs sallyportd and sallyctl; a folder that is not configured yet gets a release build."""
    print("building sallyportd and sallyctl …", flush=True)
    if not (folder / "meson-private" / "coredata.dat").exists():
        _quietly(["meson", "setup", str(folder), "-Dbuildtype=release"], ROOT)
    answer = subprocess.run(["meson", "introspect", "--targets", str(folder)], check=True, capture_output=True)
    programs = {target["name"]: pathlib.Path(target["filename"][0]) for target in json.loads(answer.stdout)
                if target["type"] == "executable"}
    found = [programs[name] for name in ("sallyportd", "sallyctl")]
    _quietly(["ninja", "-C", str(folder), *(str(path.relative_to(folder)) for path in found)], ROOT)
    return found[0], found[1]


def _quietly(command: list[str], folder: pathlib.Path) -> None:
    result = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if result.returncode != 0:
        raise Failed(f"{' '.join(command[:3])} failed:\n{result.stdout[-6000:]}")


def demonstrate(stage: Stage, claims: Claims, arguments: argparse.Namespace) -> bool:
    """Runs the whole story; gives whether it may stay."""
    programs = build(arguments.build.absolute())
    started = time.monotonic()
    show = arguments.show(stage, claims)
    show.run(*programs)
    if arguments.keep and claims.all_hold():
        hints = [*show.hints(), f"ip netns exec {stage.namespace('sallyport')} bash"]
        print("\nIt keeps running. Look at it with\n  " + "\n  ".join(hints) + "\nand take it away with\n  tools/demo --stop")
        return True
    show.end()
    print(f"took {time.monotonic() - started:.0f} s")
    return False


def _on_signals(handler: object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)


def _ignore(_number: int, _frame: object) -> None:
    """Unlike SIG_IGN it is not inherited by ip(8) and the rest that still run."""


def _interrupted(number: int, _frame: object) -> None:
    _on_signals(_ignore)  # once is enough: what follows cleans up
    raise Failed(f"interrupted by {signal.Signals(number).name}")


def run(arguments: argparse.Namespace) -> int:
    _on_signals(_interrupted)
    # A person's browser is outside of all namespaces.
    stage = Stage(outside="access" if arguments.show is BrowserDemonstration else "")
    claims, kept = Claims(), False
    try:
        kept = demonstrate(stage, claims, arguments)
    except (Failed, RuntimeError, OSError, KeyError, ValueError, subprocess.SubprocessError) as problem:
        claims.claim(f"the demonstration ran to its end: {type(problem).__name__}", False, str(problem))
    finally:
        _on_signals(_ignore)
        if not kept:
            stage.remove()
    if arguments.json:
        result = {"ok": claims.all_hold(), "machine": platform.platform(), "claims": claims.made}
        arguments.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    held = sum(claim["ok"] for claim in claims.made)
    print(f"{held} of {len(claims.made)} claims hold")
    return 0 if claims.all_hold() else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.set_defaults(show=CallDemonstration)
    what.add_argument("--media", action="store_const", dest="show", const=MediaDemonstration, help="the media plane alone, without phones")
    what.add_argument("--browser", action="store_const", dest="show", const=BrowserDemonstration,
                      help="a page for a browser on this machine, whose user has a microphone; Ctrl-C ends it")
    parser.add_argument("--keep", action="store_true", help="leave everything running afterwards")
    parser.add_argument("--stop", action="store_true", help="take away what --keep left, and do nothing else")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the claims and whether they hold")
    parser.add_argument("--build", type=pathlib.Path, metavar="DIR", default=BUILD, help="the build folder (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.keep and arguments.show is BrowserDemonstration:
        parser.error("--browser stays until it is interrupted, and no longer")
    if arguments.stop:
        for stage in stages_left():
            stage.remove()
            print(f"{stage.name} is gone")
        return 0
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
