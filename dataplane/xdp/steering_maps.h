/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the XDP program and the daemon share: the layout of the maps. C, because the program is. */
#pragma once

#include <linux/types.h>

enum {
  STEERING_MAX_QUEUES = 64,
  STEERING_MAX_ADDRESSES = 64,
  STEERING_MAX_BANS = 65536,
};

/* Addresses are 16 octets, IPv4 in its mapped form. */
struct steering_address_key {
  __u8 address[16];
  __u16 vlan; /* host order; 0 = untagged */
  __u16 zero; /* hash keys have no holes */
};

struct steering_ports {
  __u16 first; /* host order, both inclusive */
  __u16 last;
};

struct steering_ban_key {
  __u8 address[16];
};

enum steering_counter {
  STEERING_STEERED,  /* to an AF_XDP queue */
  STEERING_BANNED,   /* dropped: the source is on the list */
  STEERING_PASSED,   /* to the kernel */
  STEERING_UNSERVED, /* media, but no AF_XDP socket serves its queue: to the kernel */
  STEERING_COUNTERS,
};
