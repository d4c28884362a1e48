/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The XDP program of shared ports: UDP for a media address and its port range goes to the AF_XDP socket of
 * its receive queue, banned sources go nowhere, and the kernel keeps the rest. Until an address is allowed,
 * it keeps everything.
 */
/* The helpers want the kernel's types before them. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "steering_maps.h"

/* The driver finds this map by this name and puts a socket in for each queue. */
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, STEERING_MAX_QUEUES);
  __type(key, __u32);
  __type(value, __u32);
} xsks_map SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, STEERING_MAX_ADDRESSES);
  __type(key, struct steering_address_key);
  __type(value, struct steering_ports);
} media_addresses SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, STEERING_MAX_BANS);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct steering_ban_key);
  __type(value, __u8);
} banned_hosts SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, STEERING_COUNTERS);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

enum { VLAN_ID_MASK = 0x0fff, FRAGMENT_MASK = 0x3fff /* "more fragments" and the offset */ };

struct vlan_tag {
  __be16 control;
  __be16 protocol;
};

/* What the frame says. `udp` stays null unless the packet is whole, plain UDP. */
struct view {
  struct steering_ban_key source;
  struct steering_address_key destination;
  const struct udphdr* udp;
  int is_ip;
};

static __always_inline void count(__u32 which) {
  __u64* value = bpf_map_lookup_elem(&counters, &which);
  if (value) *value += 1;
}

static __always_inline void map_v4(__u8* to, __be32 address) {
  to[10] = 0xff;
  to[11] = 0xff;
  __builtin_memcpy(to + 12, &address, 4);
}

static __always_inline void parse_v4(struct view* view, const void* at, const void* end) {
  const struct iphdr* ip = at;
  if ((const void*)(ip + 1) > end || ip->version != 4 || ip->ihl < 5) return;
  view->is_ip = 1;
  map_v4(view->source.address, ip->saddr);
  map_v4(view->destination.address, ip->daddr);
  if (ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(FRAGMENT_MASK))) return;
  const struct udphdr* udp = at + ip->ihl * 4;
  if ((const void*)(udp + 1) <= end) view->udp = udp;
}

/* Packets with extension headers, fragments among them, are the kernel's. */
static __always_inline void parse_v6(struct view* view, const void* at, const void* end) {
  const struct ipv6hdr* ip = at;
  if ((const void*)(ip + 1) > end || ip->version != 6) return;
  view->is_ip = 1;
  __builtin_memcpy(view->source.address, &ip->saddr, 16);
  __builtin_memcpy(view->destination.address, &ip->daddr, 16);
  if (ip->nexthdr != IPPROTO_UDP) return;
  const struct udphdr* udp = (const void*)(ip + 1);
  if ((const void*)(udp + 1) <= end) view->udp = udp;
}

static __always_inline void parse(struct view* view, const void* at, const void* end) {
  const struct ethhdr* ethernet = at;
  if ((const void*)(ethernet + 1) > end) return;
  __be16 protocol = ethernet->h_proto;
  at = ethernet + 1;
  if (protocol == bpf_htons(ETH_P_8021Q)) {
    const struct vlan_tag* tag = at;
    if ((const void*)(tag + 1) > end) return;
    view->destination.vlan = bpf_ntohs(tag->control) & VLAN_ID_MASK;
    protocol = tag->protocol;
    at = tag + 1;
  }
  if (protocol == bpf_htons(ETH_P_IP))
    parse_v4(view, at, end);
  else if (protocol == bpf_htons(ETH_P_IPV6))
    parse_v6(view, at, end);
}

static __always_inline int is_media(const struct view* view) {
  if (!view->udp) return 0;
  const struct steering_ports* ports = bpf_map_lookup_elem(&media_addresses, &view->destination);
  if (!ports) return 0;
  const __u16 port = bpf_ntohs(view->udp->dest);
  return port >= ports->first && port <= ports->last;
}

SEC("xdp")
int steer_media(struct xdp_md* packet) {
  struct view view = {};
  parse(&view, (const void*)(long)packet->data, (const void*)(long)packet->data_end);
  if (view.is_ip && bpf_map_lookup_elem(&banned_hosts, &view.source)) {
    count(STEERING_BANNED);
    return XDP_DROP;
  }
  if (!is_media(&view)) {
    count(STEERING_PASSED);
    return XDP_PASS;
  }
  const int action = bpf_redirect_map(&xsks_map, packet->rx_queue_index, XDP_PASS);
  count(action == XDP_REDIRECT ? STEERING_STEERED : STEERING_UNSERVED);
  return action;
}

const char program_license[] SEC("license") = "GPL";
