// What loadpath::Load and LoadInto do with a load that is refused or cancelled, and with functions that give no module.
#include <gmock/gmock.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstring>
#include <functional>

#include "loadpath/load.h"

namespace loadpath {
namespace {

// 48 MiB: progress is told in the middle too.
constexpr std::int64_t kRows = 3, kColumns = 4 << 20;
constexpr std::uint64_t kBytes = kRows * kColumns * 4;

// A safetensors file of ones.
std::shared_ptr<const Checkpoint> Ones() {
  static const std::shared_ptr<const Checkpoint> checkpoint = [] {
    std::string header = R"({"a":{"dtype":"F32","shape":[3,4194304],"data_offsets":[0,50331648]}})";
    header.resize((header.size() + 7) / 8 * 8, ' ');
    const std::uint64_t length = header.size();
    std::vector<std::byte> bytes(8 + header.size() + kBytes);
    std::memcpy(bytes.data(), &length, 8);
    std::memcpy(bytes.data() + 8, header.data(), header.size());
    const std::vector<float> ones(kRows * kColumns, 1);
    std::memcpy(bytes.data() + 8 + header.size(), ones.data(), kBytes);
    return Checkpoint::FromMemory(std::move(bytes));
  }();
  return checkpoint;
}

struct Large : torch::nn::Module {
  Large() {
    a = register_parameter("a", torch::empty({kRows, kColumns}).fill_(7));
    random = register_buffer("random", torch::empty({5}).normal_());
  }
  at::Tensor a, random;
};

struct LargeAlone : torch::nn::Module {
  LargeAlone() { a = register_parameter("a", torch::empty({kRows, kColumns}).fill_(7)); }
  at::Tensor a;
};

// A function of progress that cancels at its call number `stop`, and the bytes of all its calls.
struct Stop {
  explicit Stop(int at) : stop(at) {}
  bool operator()(std::uint64_t done, std::uint64_t total) {
    told.emplace_back(done, total);
    return static_cast<int>(told.size()) <= stop;
  }
  int stop;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
};

class EveryVia : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Via, EveryVia, testing::Values("direct", "copy", "assign"));

// Cancelled at each call in turn, until it is too late to cancel.
TEST_P(EveryVia, CancellingAtAnyCallLeavesTheModuleAsItWas) {
  int in_the_middle = 0;
  for (int call = 0, loaded = 0; loaded == 0; ++call) {
    ASSERT_LT(call, 100);
    SCOPED_TRACE(call);
    LargeAlone module;
    Stop stop(call);
    try {
      LoadInto(module, Ones(), {.via = GetParam(), .progress = std::ref(stop), .threads = 1});
      ++loaded;
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCancelled);
      const auto [done, total] = stop.told.back();
      in_the_middle += static_cast<int>(done > 0 && done < total);
    }
    EXPECT_TRUE(at::all(module.a == (loaded != 0 ? 1 : 7)).item<bool>());
  }
  EXPECT_GT(in_the_middle, 0);
}

TEST_P(EveryVia, CancellingAConstructionLeavesNoFillAndFirstValues) {
  for (const int call : {0, 1}) {
    std::shared_ptr<LargeAlone> kept;
    Stop stop(call);
    const auto make = [&] { return kept = std::make_shared<LargeAlone>(); };
    EXPECT_THROW(Load(make, Ones(), {.via = GetParam(), .progress = std::ref(stop), .threads = 1}), CheckpointError);
    EXPECT_EQ(stop.told.back().first > 0, call > 0);
    EXPECT_FALSE(at::hasGlobalCallbacks()) << "a fill is pending";
    EXPECT_TRUE(at::all(kept->a == 7).item<bool>());
  }
}

TEST_P(EveryVia, ARefusedLoadInitialisesNothing) {
  const auto state = [] { return at::globalContext().defaultGenerator(at::kCPU).get_state(); };
  const at::Tensor before = state();
  EXPECT_THROW(Load([] { return Large(); }, Ones(), {.via = GetParam()}), StateDictError);
  EXPECT_TRUE(at::equal(state(), before));
  EXPECT_FALSE(at::hasGlobalCallbacks());
}

TEST_P(EveryVia, ProgressOfASecondLoadBeginsAtNothing) {
  Stop stop(1000);
  const LoadOptions options{.via = GetParam(), .progress = std::ref(stop)};
  LargeAlone module;
  LoadInto(module, Ones(), options);
  const auto first = std::exchange(stop.told, {});
  LoadInto(module, Ones(), options);
  ASSERT_FALSE(stop.told.empty());
  EXPECT_EQ(stop.told.front(), first.front());
  EXPECT_EQ(stop.told.back(), first.back());
}

TEST(LoadFailures, AnEmptyFunctionIsNoProgress) {
  LargeAlone module;
  const std::function<void(std::uint64_t, std::uint64_t)> nothing;
  const std::function<bool(std::uint64_t, std::uint64_t)> no_answer;
  void (*const null)(std::uint64_t, std::uint64_t) = nullptr;
  EXPECT_FALSE(Progress(nothing) || Progress(no_answer) || Progress(null));
  LoadInto(module, Ones(), {.progress = nothing});
  EXPECT_TRUE(at::all(module.a == 1).item<bool>());
}

struct Holder : torch::nn::ModuleHolder<LargeAlone> {
  using ModuleHolder::ModuleHolder;
};

TEST(LoadFailures, NoModuleIsAnArgumentThatIsWrong) {
  const auto what = [](auto make) -> std::string {
    try {
      Load(make, Ones());
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  const std::string sentence = "make returned no module but a null pointer: return the module to load into";
  EXPECT_EQ(what([] { return std::shared_ptr<LargeAlone>(); }), sentence);
  EXPECT_EQ(what([] { return std::unique_ptr<LargeAlone>(); }), sentence);
  EXPECT_EQ(what([] { return Holder(nullptr); }), sentence);
}

TEST(LoadFailures, AReferenceToAPointerOrAHolderGivesACopyOfIt) {
  const auto shared = std::make_shared<LargeAlone>();
  const Holder holder;
  const auto by_pointer = Load([&]() -> const std::shared_ptr<LargeAlone>& { return shared; }, Ones());
  EXPECT_EQ(by_pointer.module, shared);
  const auto by_holder = Load([&]() -> const Holder& { return holder; }, Ones());
  EXPECT_EQ(by_holder.module.ptr(), holder.ptr());
  EXPECT_TRUE(at::all(shared->a == 1).item<bool>() && at::all(holder->a == 1).item<bool>());
}

// Load refuses these when it is compiled.
static_assert(detail::kIsPointer<LargeAlone*> && detail::kIsPointer<LargeAlone* const&>);
static_assert(!detail::kIsPointer<LargeAlone> && !detail::kIsPointer<std::unique_ptr<LargeAlone>>);
static_assert(detail::kIsModuleReference<LargeAlone&> && detail::kIsModuleReference<const LargeAlone&>);
static_assert(!detail::kIsModuleReference<LargeAlone> && !detail::kIsModuleReference<const Holder&>);

}  // namespace
}  // namespace loadpath
