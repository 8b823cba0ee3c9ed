#include "harness/suite/sampling/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace loadpath {
namespace {

std::vector<std::size_t> Order(const std::vector<Turn>& turns) {
  std::vector<std::size_t> order;
  for (const Turn& turn : turns) order.push_back(turn.run);
  return order;
}

TEST(Schedule, EveryCaseHasOneTurnARoundInAnOrderOfItsOwn) {
  Schedule schedule(20, 7);
  std::set<std::vector<std::size_t>> orders;
  for (int round = 0; round < 50; ++round) {
    const std::vector<std::size_t> order = Order(schedule.NextRound());
    EXPECT_EQ(std::set(order.begin(), order.end()).size(), 20U);
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 50U);
}

TEST(Schedule, FollowsFromTheSeedOnEveryMachine) {
  Schedule a(5, 7), b(5, 7), other(5, 8);
  std::vector<std::vector<std::size_t>> orders_a, orders_b, orders_other;
  for (int round = 0; round < 10; ++round) {
    orders_a.push_back(Order(a.NextRound()));
    orders_b.push_back(Order(b.NextRound()));
    orders_other.push_back(Order(other.NextRound()));
  }
  EXPECT_EQ(orders_a, orders_b);
  // Computed in Python by the definitions of MT19937-64 and of this schedule.
  EXPECT_EQ(orders_a.front(), (std::vector<std::size_t>{0, 2, 4, 1, 3}));
  EXPECT_NE(orders_a, orders_other);
}

TEST(Schedule, EveryCaseIsCheckedInTheFirstThreeRoundsAndOneInEachRound) {
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    Schedule schedule(8, seed);
    std::set<std::size_t> checked;
    for (int round = 0; round < 10; ++round) {
      std::size_t now = 0;
      for (const Turn& turn : schedule.NextRound()) {
        if (!turn.check) continue;
        ++now;
        checked.insert(turn.run);
      }
      EXPECT_GE(now, 1U) << seed;
      if (round >= 3) {
        EXPECT_EQ(now, 1U) << seed;
      }
      if (round == 2) {
        EXPECT_EQ(checked.size(), 8U) << seed;
      }
    }
  }
}

TEST(Schedule, EachPlaceIsAsLikely) {
  int first[4] = {};
  for (std::uint32_t seed = 0; seed < 4000; ++seed) ++first[Schedule(4, seed).NextRound().front().run];
  for (const int count : first) EXPECT_NEAR(count, 1000, 150);
}

TEST(Schedule, OfNoCasesIsEmpty) { EXPECT_TRUE(Schedule(0, 1).NextRound().empty()); }

}  // namespace
}  // namespace loadpath
