# SPDX-License-Identifier: GPL-3.0-or-later
"""Configurations under which servers are compared: the same users, realm, hash and certificate for all."""

import os
import pathlib
import subprocess

DOMAIN = "bench.test"
PASSWORD = "secret"

# One TCP worker, users in a hash in memory, bindings in memory: the least that does what the load checks.

KAMAILIO = """\
debug=0
log_stderror=yes
children=1
tcp_children=1
tcp_max_connections=16384
tcp_accept_no_cl=yes
enable_tls=yes
max_while_loops=10000
listen=tls:127.0.0.1:@PORT@
alias="@DOMAIN@"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "nathelper.so"
loadmodule "htable.so"
loadmodule "auth.so"
loadmodule "tls.so"
modparam("tls", "config", "@FOLDER@/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("nathelper|registrar", "received_avp", "$avp(received)")
modparam("registrar", "max_contacts", 1)
modparam("auth", "algorithm", "SHA-256")
modparam("htable", "htable", "users=>size=10;")

event_route[htable:mod-init] {
  $var(i) = 0;
  while ($var(i) < 1000) {
    $sht(users=>user$var(i)) = "@PASSWORD@";
    $var(i) = $var(i) + 1;
  }
}

request_route {
  if (!mf_process_maxfwd_header("70")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }
  if (has_totag()) {
    if (loose_route()) { handle_ruri_alias(); t_relay(); exit; }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not Found"); exit;
  }
  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
  if (is_method("REGISTER")) {
    if (!pv_www_authenticate("@DOMAIN@", "$sht(users=>$au)", "0")) { www_challenge("@DOMAIN@", "1"); exit; }
    fix_nated_register();
    if (!save("location")) sl_reply_error();
    exit;
  }
  if (!is_method("INVITE")) { sl_send_reply("405", "Method Not Allowed"); exit; }
  if (!pv_proxy_authenticate("@DOMAIN@", "$sht(users=>$au)", "0")) { proxy_challenge("@DOMAIN@", "1"); exit; }
  consume_credentials();
  record_route();
  add_contact_alias();
  if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  t_on_reply("BACK");
  t_relay();
}

onreply_route[BACK] { add_contact_alias(); }
"""

KAMAILIO_TLS = """\
[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
private_key = @FOLDER@/server.key
certificate = @FOLDER@/server.crt
[client:default]
method = TLSv1.2+
verify_certificate = no
"""

SALLYPORT = """\
[daemon]
admin_socket = "@OWN@/run/admin.sock"
[log]
level = "warning"
[media]
workers = [@CORE@]
huge_pages = "off"
memory_mb = 64
file_prefix = "bench@PORT@"
[media.side.access]
attach = "vdev"
device = "net_ring0"
next_hop = "02:00:00:00:00:01"
addresses = ["192.0.2.1"]
ports = "30000-39999"
[store]
path = "@OWN@/state/store.db"
[registrar]
domains = ["@DOMAIN@"]
[auth]
algorithms = ["SHA-256"]
[calls]
calls_per_second = 0
[sip]
server_name = "sallyport"
[sip.listener.access]
side = "access"
transport = "tls"
address = "127.0.0.1:@PORT@"
certificates = ["bench"]
[sip.certificate.bench]
certificate = "@FOLDER@/server.crt"
key = "@FOLDER@/server.key"
[sip.limits]
handshakes_per_source = 8192
connections_per_source = 100000
messages_per_second = 1000000
"""


def fill(template: str, **values: object) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name.upper()}@", str(value))
    return template


def kamailio(port: int, folder: pathlib.Path) -> str:
    return fill(KAMAILIO, port=port, folder=folder, domain=DOMAIN, password=PASSWORD)


def kamailio_tls(folder: pathlib.Path) -> str:
    return fill(KAMAILIO_TLS, folder=folder)


def sallyport(port: int, own: pathlib.Path, folder: pathlib.Path) -> str:
    return fill(SALLYPORT, port=port, own=own, folder=folder, domain=DOMAIN, core=max(os.sched_getaffinity(0)))


def make_certificates(folder: pathlib.Path) -> None:
    """An authority and a server's certificate for the domain, ECDSA on P-256."""
    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "server"):
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", "60", "-subj", "/CN=bench authority", "-out", "ca.crt",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("req", "-new", "-key", "server.key", "-subj", f"/CN={DOMAIN}", "-out", "server.csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{DOMAIN},URI:sip:{DOMAIN}\nkeyUsage=digitalSignature\n", encoding="utf-8")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "60", "-sha256",
            "-extfile", "names", "-out", "server.crt")
