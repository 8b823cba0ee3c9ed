// Work by several threads.
#include "harness/base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace loadpath {
namespace {

TEST(ParallelFor, CallsEveryNumberOnce) {
  std::vector<std::atomic<int>> calls(1000);
  ParallelFor(calls.size(), 4, [&](std::size_t i) { ++calls[i]; });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, NoTwoCallsHaveOneWorkerAtATime) {
  std::vector<std::atomic<int>> busy(3);
  std::atomic<bool> met{false};
  ParallelForWithWorker(2000, 3, [&](std::size_t, std::size_t worker) {
    if (busy.at(worker).fetch_add(1) != 0) met = true;
    busy[worker].fetch_sub(1);
  });
  EXPECT_FALSE(met);
}

TEST(ParallelFor, ThrowsTheErrorOfTheLowestNumber) {
  for (int run = 0; run < 50; ++run) {
    try {
      ParallelFor(4, 4, [&](std::size_t i) {
        if (i > 0) throw std::runtime_error(std::to_string(i));
      });
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_STRNE(error.what(), "0");
    }
  }
  // By one thread, the first that fails is the only one.
  std::size_t calls = 0;
  EXPECT_THROW(ParallelFor(10, 1,
                           [&](std::size_t i) {
                             ++calls;
                             if (i == 3) throw std::runtime_error("3");
                           }),
               std::runtime_error);
  EXPECT_EQ(calls, 4u);
}

}  // namespace
}  // namespace loadpath
