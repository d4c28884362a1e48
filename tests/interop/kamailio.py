# SPDX-License-Identifier: GPL-3.0-or-later
"""Kamailio as a foreign registrar and proxy: what the phones are known to work with before Sallyport is blamed."""

import subprocess

from demo_network import Stage, wait_for

MODULES = "/usr/lib/x86_64-linux-gnu/kamailio/modules/"
CONFIGURATION = """\
#!KAMAILIO
debug=2
log_stderror=yes
children=2
tcp_children=2
enable_tls=yes
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "nathelper.so"
loadmodule "tls.so"
modparam("auth", "algorithm", "{algorithm}")
modparam("tls", "config", "{tls}")
modparam("nathelper|registrar", "received_avp", "$avp(received)")
modparam("usrloc", "db_mode", 0)
{listen}
alias="{domain}"
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if ($proto != "udp") {{
    force_rport();
    if (is_method("REGISTER")) fix_nated_register(); else add_contact_alias();
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ handle_ruri_alias(); t_on_reply("MARK"); t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not Here"); exit;
  }}
  if (is_method("REGISTER|INVITE")) {{
    if (!pv_www_authenticate("{domain}", "{password}", "0")) {{ www_challenge("{domain}", "1"); exit; }}
    consume_credentials();
  }}
  if (is_method("REGISTER")) {{ if (!save("location")) sl_reply_error(); exit; }}
  record_route();
  if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_on_reply("MARK");
  t_relay();
}}
onreply_route[MARK] {{ if ($proto != "udp") add_contact_alias(); }}
"""
TLS = """\
[server:default]
method = TLSv1.2+
private_key = {key}
certificate = {certificate}
[client:default]
method = TLSv1.2+
verify_certificate = no
"""


class Kamailio:
    """A registrar and proxy on one side's hosts, or, with the side `sallyport`, in its place."""

    def __init__(self, stage: Stage, domain: str, password: str, side: str = "sallyport", algorithm: str = "MD5") -> None:
        self._stage, folder = stage, stage.folder / f"kamailio-{side}"
        (folder / "run").mkdir(parents=True, exist_ok=True)
        addresses = [stage.address(other) for other in stage.sides] if side == "sallyport" else [stage.endpoint(side)]
        if side == "sallyport":
            stage.run(side, ["sysctl", "-qw", "net.ipv4.ip_forward=1"])
        (folder / "tls.cfg").write_text(TLS.format(key=stage.folder / "pki" / f"{domain}.key", certificate=stage.folder / "pki" / f"{domain}.pem"))
        listen = "\n".join(f"listen={protocol}:{address}:{port}" for address in addresses
                           for protocol, port in (("udp", 5060), ("tcp", 5060), ("tls", 5061)))
        (folder / "kamailio.cfg").write_text(CONFIGURATION.format(
            modules=MODULES, tls=folder / "tls.cfg", listen=listen, domain=domain, password=password, algorithm=algorithm))
        self.process: subprocess.Popen = stage.start(
            side, ["kamailio", "-DD", "-E", "-f", str(folder / "kamailio.cfg"), "-Y", str(folder / "run"), "-P", str(folder / "pid")],
            f"kamailio-{side}/log")
        if not wait_for(lambda: "5061" in stage.run(side, ["ss", "-ltn"]).stdout, 10):
            raise RuntimeError("Kamailio did not come up:\n" + (folder / "log").read_text()[-3000:])

    def stop(self) -> None:
        self._stage.stop(self.process)
