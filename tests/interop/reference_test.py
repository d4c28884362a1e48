#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The phones through Kamailio, which nobody here wrote: where this fails, the phones or the machine are to blame, not Sallyport."""

import os
import sys

import border
import phone_call
from border import check, hear_each_other, heard_until_now, talk
from demo_network import Stage, wait_for
from kamailio import Kamailio
from phone import Phone
from phone_baresip import Baresip
from phone_linphone import Linphone


def call(alice: Phone, bob: Phone) -> None:
    for phone in (alice, bob):
        phone.start()
        check(f"{phone.make} registers", phone.wait_registered(), phone.trouble())
    talk(alice, bob)
    alice.hold()
    check("linphone is held", wait_for(bob.is_held, 5), bob.trouble())
    alice.resume()
    check("and taken back", wait_for(lambda: not bob.is_held(), 5), bob.trouble())
    hear_each_other(alice, bob, since=heard_until_now(alice, bob))
    check("the call ends", phone_call.finish(bob, alice), alice.trouble())


def main() -> int:
    if os.geteuid() != 0:
        print("skipped: needs root, for network namespaces")
        return border.SKIPPED
    stage = Stage()
    try:
        authority = phone_call.prepare(stage)
        Kamailio(stage, phone_call.DOMAIN, phone_call.PASSWORD)
        call(Baresip(stage, phone_call.account("alice", "access"), authority.certificate),
             Linphone(stage, phone_call.account("bob", "core", tone=1000, media="srtp"), authority.certificate))
    except border.CaseFailed as failure:
        print(f"FAIL  {failure}")
        return 1
    finally:
        stage.remove()
    print("ok    baresip and linphone call each other through Kamailio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
