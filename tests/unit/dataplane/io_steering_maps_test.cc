// SPDX-License-Identifier: GPL-3.0-or-later
// The XDP program's maps as both sides see them, and the program as it is embedded.
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>

#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include "dataplane/runtime.h"
#include "dataplane/xdp/steering_maps.h"
#include "dataplane/xdp/steering_object.h"

namespace sallyport::dataplane {

namespace {

// Keys with holes would be compared with whatever lies in them.
static_assert(std::has_unique_object_representations_v<steering_address_key>);
static_assert(std::has_unique_object_representations_v<steering_ban_key>);
static_assert(sizeof(steering_address_key) == 20 && offsetof(steering_address_key, vlan) == 16);
static_assert(sizeof(steering_ban_key) == 16);
static_assert(sizeof(steering_ports) == 4);
static_assert(STEERING_MAX_ADDRESSES == kMaxMediaAddresses);
static_assert(STEERING_MAX_QUEUES >= kMaxWorkers);

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, ObjectCloser>;

Object parsed() {
  const auto octets = steering_object();
  return Object(bpf_object__open_mem(octets.data(), octets.size(), nullptr));
}

struct MapShape {
  const char* name;
  bpf_map_type type;
  std::size_t key;
  std::size_t value;
  unsigned entries;
};

TEST(SteeringObject, HasTheMapsThatAreLookedFor) {
  const Object object = parsed();
  ASSERT_NE(object, nullptr);
  const MapShape shapes[] = {
      {"xsks_map", BPF_MAP_TYPE_XSKMAP, 4, 4, STEERING_MAX_QUEUES},
      {"media_addresses", BPF_MAP_TYPE_HASH, sizeof(steering_address_key), sizeof(steering_ports),
       STEERING_MAX_ADDRESSES},
      {"banned_hosts", BPF_MAP_TYPE_HASH, sizeof(steering_ban_key), 1, STEERING_MAX_BANS},
      {"counters", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, STEERING_COUNTERS},
  };
  for (const MapShape& shape : shapes) {
    const bpf_map* map = bpf_object__find_map_by_name(object.get(), shape.name);
    ASSERT_NE(map, nullptr) << shape.name;
    EXPECT_EQ(bpf_map__type(map), shape.type) << shape.name;
    EXPECT_EQ(bpf_map__key_size(map), shape.key) << shape.name;
    EXPECT_EQ(bpf_map__value_size(map), shape.value) << shape.name;
    EXPECT_EQ(bpf_map__max_entries(map), shape.entries) << shape.name;
    EXPECT_LT(std::string(shape.name).size(), std::size_t{BPF_OBJ_NAME_LEN}) << shape.name;
  }
}

TEST(SteeringObject, HasOneProgram) {
  const Object object = parsed();
  ASSERT_NE(object, nullptr);
  const bpf_program* program = bpf_object__next_program(object.get(), nullptr);
  ASSERT_NE(program, nullptr);
  EXPECT_STREQ(bpf_program__name(program), "steer_media");
  EXPECT_EQ(bpf_object__next_program(object.get(), const_cast<bpf_program*>(program)), nullptr);
}

}  // namespace

}  // namespace sallyport::dataplane
