// SPDX-License-Identifier: GPL-3.0-or-later
// Slots and indexes: handles that die with their tenants, keys that are found as often as they were put in.
#include "sip/transaction_table.h"

#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

struct Tenant {
  Handle<Tenant> handle;
  std::string text;
  KeyedIndex<Tenant>::Node node;
  void reset() { text.clear(); }
};

TEST(SlotTable, AHandleDiesWithItsTenant) {
  SlotTable<Tenant> slots;
  EXPECT_EQ(slots.find({}), nullptr);
  Tenant& first = slots.take();
  const Handle<Tenant> old = first.handle;
  EXPECT_EQ(slots.find(old), &first);
  EXPECT_FALSE(static_cast<bool>(Handle<Tenant>{}));
  first.text = "left behind";
  slots.release(first);
  EXPECT_EQ(slots.find(old), nullptr);
  Tenant& second = slots.take();
  EXPECT_EQ(&second, &first);
  EXPECT_EQ(second.text, "");
  EXPECT_NE(second.handle, old);
  EXPECT_EQ(slots.find(old), nullptr);
  EXPECT_EQ(slots.find({old.index + 1, old.generation}), nullptr);
  EXPECT_EQ(slots.size(), 1U);
}

TEST(KeyedIndex, FindsWhatIsInItThroughGrowth) {
  const HashKey key{1, 2};
  const auto hash = [&](std::uint64_t number) { return KeyedHash<>(key).number(number).finish(); };
  KeyedIndex<Tenant> index;
  std::deque<Tenant> tenants(5000);
  for (std::size_t i = 0; i < tenants.size(); ++i) index.insert(tenants[i].node, hash(i), tenants[i]);
  EXPECT_EQ(index.size(), tenants.size());
  for (std::size_t i = 0; i < tenants.size(); i += 3) index.erase(tenants[i].node);
  for (std::size_t i = 0; i < tenants.size(); ++i)
    EXPECT_EQ(index.find(hash(i)), i % 3 == 0 ? nullptr : &tenants[i]) << i;
  EXPECT_EQ(index.find(hash(tenants.size())), nullptr);
}

TEST(KeyedIndex, SeveralShareAKey) {
  KeyedIndex<Tenant> index;
  std::deque<Tenant> tenants(10);
  for (Tenant& tenant : tenants) index.insert(tenant.node, {7, 7}, tenant);
  index.erase(tenants[9].node);  // first, middle and last of its chain
  index.erase(tenants[4].node);
  index.erase(tenants[0].node);
  index.erase(tenants[0].node);  // twice does nothing
  std::size_t count = 0;
  index.for_each({7, 7}, [&](Tenant& tenant) {
    EXPECT_NE(&tenant, &tenants[4]);
    ++count;
  });
  EXPECT_EQ(count, 7U);
  EXPECT_EQ(index.find({7, 8}), nullptr);  // the same bucket, another key
}

}  // namespace
}  // namespace sallyport::sip
