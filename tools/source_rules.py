# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of tools/check_source.py: layers, doors, bans and limits, each in one list."""

import dataclasses

SPDX = "SPDX-License-Identifier: GPL-3.0-or-later"
MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 100

# Which folders each folder may include.
LAYERS = {
    "base": {"base"},
    "crypto": {"base", "crypto"},
    "keying": {"base", "crypto", "keying"},
    "dataplane": {"base", "crypto", "dataplane"},
    "sip": {"base", "crypto", "sip"},
    "transport": {"base", "crypto", "sip", "transport"},
    "control": {"base", "crypto", "sip", "transport", "keying", "dataplane", "control"},
    "sallyctl": {"base", "sallyctl", "control"},
    "sallyload": {"base", "crypto", "keying", "sip", "transport", "sallyload"},
}
# Nothing outside includes these, but tests what they test.
LEAVES = {"tests", "bench", "tools", "sallyctl", "sallyload"}
# Folder, the folder it sees only a part of, and that part.
PARTS = {
    # What is free of DPDK.
    ("control", "dataplane"): {"bundle.h", "command.h", "counters.h", "flow.h", "handshake.h", "runtime.h", "verdict.h"},
    ("sallyctl", "control"): {"version.h"},
}

# Foreign header, the files that may include it, and how to say so. Tests and benches may include what they test.
DOORS = (
    (r"rte_", r"dataplane/", "dataplane/, the door to DPDK"),
    (r"intel-ipsec-mb|srtp2?/", r"crypto/", "crypto/, the door to ciphers"),
    (r"openssl/", r"crypto/|keying/|transport/tls_", "crypto/, keying/ and transport/tls_*, the doors to OpenSSL"),
    (r"boost/beast", r"transport/websocket_upgrade\.cc", "transport/websocket_upgrade.cc, the door to HTTP"),
    (r"ares", r"transport/resolver\.cc", "transport/resolver.cc, the door to DNS"),
    (r"toml\+\+", r"control/config/", "control/config/, the door to TOML"),
    (r"spdlog/", r"base/log\.cc", "base/log.cc, the door to spdlog"),
    (r"CLI/", r"sallyctl/|sallyload/(main|command_line)\.cc|control/main\.cc", "the command lines: sallyctl/, sallyload/ and control/main.cc"),
    (r"libmnl/", r"control/media/(kernel_|netlink)|dataplane/tap_twin", "control/media/kernel_*, control/media/netlink* and dataplane/tap_twin, the doors to netlink"),
    (r"bpf/|xdp/", r"dataplane/(steering|xdp/|dpdk_log)", "dataplane/steering*, dataplane/xdp/ and the log, the doors to XDP"),
    (r"sqlite3", r"control/subscribers/sqlite_|keying/zrtp_cache", "control/subscribers/sqlite_* and keying/zrtp_cache.cc, the doors to SQLite"),
    (r"(bzrtp|bctoolbox)/", r"keying/zrtp_", "keying/zrtp_*, the door to bzrtp"),
    (r"cap-ng", r"control/privileges", "control/privileges.cc, which drops them"),
)


@dataclasses.dataclass(frozen=True)
class Ban:
    """A pattern that may not appear in the code of the files that `where` matches."""

    pattern: str
    what: str
    instead: str
    where: str = r"(?!tests/|bench/|tools/).*\.(h|cc|c)$"
    unless: str = ""
    in_comments: bool = False
    only_hot: bool = False


_ALL_CPP = r".*\.(h|cc|c)$"
_ANY = r".*"
_PACKET_CODE = r"(dataplane|crypto)/.*\.(h|cc)$"

BANS = (
    Ban(r"\bmemcmp\s*\([^;]*(tag|mac|digest|key|salt)", "memcmp on a secret", "crypto::equal, whose time tells nothing"),
    # The order in which media ports are given out is no secret.
    Ban(r"\bs?rand(om|48)?\s*\(|std::mt19937", "a guessable random source", "RAND_bytes", unless=r"control/media/port_pool\.cc"),
    Ban(r"\bstr(n?cpy|n?cat|tok)\s*\(|\bv?sprintf\s*\(|\bgets\s*\(", "unbounded string function", "std::string or fmt::format"),
    Ban(r"\b(ato[if]l?l?|strto[dfu]?l{0,2}d?|sscanf)\s*\(", "lenient number parsing", "std::from_chars, and check its end"),
    Ban(r"std::sto(i|l|ll|ul|ull|f|d)\s*\(", "number parsing that throws", "std::from_chars, and check its end"),
    Ban(r"std::shared_ptr|std::make_shared|std::weak_ptr", "shared ownership", "one owner: std::unique_ptr, lent by Command",
        where=_PACKET_CODE),
    Ban(r"std::(mutex|lock_guard|unique_lock|scoped_lock|condition_variable|recursive_mutex)", "a lock", "a single-producer ring",
        where=_PACKET_CODE, only_hot=True),
    Ban(r"\bf?printf\s*\(|std::c(out|err|log)\b", "printing", "log:: outside the packet path, a counter inside", where=_PACKET_CODE),
    Ban(r"(?<!asm )\bvolatile\b(?! std::sig_atomic_t)", "volatile", "std::atomic with the order it needs"),
    Ban(r"\b(system|popen|execl?p?)\s*\(", "a shell", "the system call or netlink request itself"),
    Ban(r"\busing\s+namespace\s+std\s*;", "using namespace std", "the qualified name", where=_ALL_CPP),
    Ban(r"\b(sleep|usleep|nanosleep)\s*\(|\bsleep_(for|until)\s*\(", "a test that sleeps",
        "a condition that is waited for, or a clock that the test moves", where=r"tests/.*\.(h|cc)$"),
    Ban(r"\b(log::\w+|fmt::(print|format)|\bf?printf)\b.*\b(master_key|master_salt|session_key|session_salt|key_material)\b(?!_)",
        "key material in text", "the suite's name and the stream's SSRC", where=_ALL_CPP),
    Ban(r"#\s*pragma\s+GCC\s+diagnostic\s+ignored", "a silenced warning", "code that does not warn", where=_ALL_CPP,
        unless=r"dataplane/|tests/|bench/"),
    Ban(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", "a note without an issue number", "TODO(#number), or do it", where=_ANY,
        unless=r"tools/(source_rules|lint_test)\.py", in_comments=True),
    Ban(r"(?<![\w.$}])/(home|root|Users|work)/\w", "the path of one machine", "a path from the root of the repository", where=_ANY,
        unless=r"tools/(source_rules|lint_test)\.py", in_comments=True),
)
