// What `auto` maps, what it reads, and that nothing but the time tells a module that it mapped from one that was
// copied.
#include <gmock/gmock.h>

#include "harness/load/auto_costs.h"
#include "loadpath/load.h"
#include "tests/load/support.h"

namespace loadpath {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// What `auto` reckons with, as long as one lives.
class Costs {
 public:
  explicit Costs(AutoCosts costs) : before_(CurrentAutoCosts()) { CurrentAutoCosts() = costs; }
  ~Costs() { CurrentAutoCosts() = before_; }
  Costs(const Costs&) = delete;
  Costs& operator=(const Costs&) = delete;

 private:
  AutoCosts before_;
};
// Mapping is always faster, or never.
constexpr AutoCosts kMap{.map = {}, .read = {.load = 1}}, kRead{.map = {.load = 1}, .read = {}};

// A module that was constructed without initialisation, and what `auto` did with it.
struct Loaded {
  explicit Loaded(
      const std::string& file, ReadOptions read = {}, const std::function<void(Two&)>& before = [](Two&) {})
      : module(deferred.Construct([] { return std::make_shared<Two>(); })) {
    before(*module);
    result = PathOf("auto").load({.file = File(file), .module = *module, .read = read});
    deferred.Finish();
  }
  DeferredInit deferred;
  std::shared_ptr<Two> module;
  LoadResult result;
};

TEST(Auto, MapsIntoAFreshModule) {
  const Costs costs(kMap);
  const Loaded loaded("plain.pth");
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_EQ(loaded.result.ran, "mmap");
  EXPECT_EQ(loaded.result.bytes_mapped, 26 * 4u);
  EXPECT_EQ(loaded.result.bytes_copied, 0u);
  EXPECT_THAT(loaded.result.choice, StartsWith("maps 2 tensors of 104 bytes, 100 % in the page cache: "));
}

TEST(Auto, ReadsWhereThatIsFaster) {
  const Costs costs(kRead);
  const Loaded loaded("plain.pth");
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_EQ(loaded.result.ran, "direct");
  EXPECT_EQ(loaded.result.bytes_mapped, 0u);
  EXPECT_THAT(loaded.result.choice, StartsWith("reads 2 tensors of 104 bytes"));
}

// Without the costs of this test: a few bytes are not worth a mapping, many are.
TEST(Auto, ReadsAFewBytes) { EXPECT_EQ(Loaded("plain.pth").result.ran, "direct"); }

TEST(Auto, ReadsIntoMemoryThatIsInUse) {
  const Costs costs(kMap);
  Two module;
  const void* memory = module.a.data_ptr();
  const LoadResult result = PathOf("auto").load({.file = File("plain.pth"), .module = module});
  EXPECT_TRUE(module.IsLoaded());
  EXPECT_EQ(module.a.data_ptr(), memory);
  EXPECT_EQ(result.choice, "reads: 2 whose memory is in use");
}

// A module may keep a view of a parameter, as a flattened weight is: whoever holds it must see what is loaded.
TEST(Auto, ReadsWhatAViewIsHeldOf) {
  const Costs costs(kMap);
  at::Tensor view;
  const Loaded loaded("plain.pth", {}, [&](Two& module) { view = module.a.detach().view({20}); });
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_TRUE(at::equal(view, WantedA().flatten()));
  EXPECT_EQ(loaded.result.ran, "mmap and direct");
  EXPECT_THAT(loaded.result.choice, HasSubstr("; the others keep their memory: 1 whose memory is in use"));
}

TEST(Auto, ReadsWhatAnOperationHasWritten) {
  const Costs costs(kMap);
  const Loaded loaded("plain.pth", {}, [](Two& module) {
    const at::NoGradGuard no_grad;
    module.b.add_(1);
  });
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_THAT(loaded.result.choice, HasSubstr("the others keep their memory: 1 whose memory is in use"));
}

TEST(Auto, ConvertsAsCopyingDoes) {
  const Costs costs(kMap);
  const Loaded converted("dtype.pth"), strided("strided.pth");
  for (const Loaded* loaded : {&converted, &strided}) {
    EXPECT_TRUE(loaded->module->IsLoaded());
    EXPECT_TRUE(loaded->module->a.is_contiguous());
    EXPECT_EQ(loaded->result.bytes_mapped, 6 * 4u);
  }
  EXPECT_THAT(converted.result.choice, HasSubstr("the others keep their memory: 1 of another dtype"));
  EXPECT_EQ(converted.result.fallback, "copy: 1 of another dtype");
  EXPECT_THAT(strided.result.choice, HasSubstr("the others keep their memory: 1 strided in the file"));
}

TEST(Auto, ReadsIfChecksumsAreWanted) {
  const Costs costs(kMap);
  const Loaded loaded("plain.pth", {.crc = CrcMode::kOn});
  EXPECT_EQ(loaded.result.choice, "reads: checksums are wanted");
  EXPECT_THAT(loaded.result.crc, testing::Each(CrcStatus::kChecked));
  EXPECT_THROW(Loaded("corrupt.pth", {.crc = CrcMode::kOn}), CheckpointError);
}

TEST(Auto, ReadsWhatCannotBeMapped) {
  const Costs costs(kMap);
  const Loaded loaded("deflated.pth");
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_EQ(loaded.result.choice, "reads: 2 compressed");
}

TEST(Auto, SlicesOfOneStorageStayApart) {
  const Costs costs(kMap);
  const Loaded loaded("slices.pth");
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_EQ(loaded.result.bytes_mapped, 26 * 4u);
}

// The file holds two names of the same bytes, the module two tensors: what is written to one must not show in the
// other.
TEST(Auto, TensorsThatShareBytesInTheFileAloneAreRead) {
  struct Three : Two {
    Three() { tied = register_parameter("tied", at::empty({6}).fill_(-3.0)); }
    at::Tensor tied;
  };
  const Costs costs(kMap);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Three>(); });
  const LoadResult result = PathOf("auto").load({.file = File("tied.pth"), .module = *module});
  deferred.Finish();
  EXPECT_EQ(result.bytes_mapped, 20 * 4u);
  EXPECT_THAT(result.choice,
              HasSubstr("the others keep their memory: 2 of bytes that tensors share in the file alone"));
  const at::NoGradGuard no_grad;
  module->b.zero_();
  EXPECT_TRUE(at::equal(module->tied, at::ones({6})));
}

// One tensor of the module under two names, which lie in two storages of the file: the later name wins.
TEST(Auto, TheLaterNameOfOneTensorWins) {
  struct Tied : torch::nn::Module {
    Tied() {
      a = register_parameter("a", at::empty({6}).fill_(-1.0));
      register_module("other", std::make_shared<torch::nn::Module>())->register_parameter("b", a);
    }
    at::Tensor a;
  };
  const Costs costs(kMap);
  for (const char* file :
       {"names.pth", "names_dtype.pth", "names_other_dtype.pth", "names_strided.pth", "names_negated.pth"}) {
    DeferredInit deferred;
    const auto module = deferred.Construct([] { return std::make_shared<Tied>(); });
    const LoadResult result = PathOf("auto").load({.file = File(file), .module = *module});
    deferred.Finish();
    EXPECT_TRUE(at::equal(module->a, at::full({6}, 2.0))) << file << ": " << result.choice;
  }
}

TEST(Auto, IsWhatTheLibraryDoesByItself) {
  const Costs costs(kMap);
  const auto [module, report] = Load([] { return std::make_shared<Two>(); }, File("plain.pth"));
  EXPECT_TRUE(module->IsLoaded());
  EXPECT_EQ(report.path, "mmap");
  EXPECT_EQ(report.bytes_mapped, report.bytes);
  EXPECT_THAT(report.Text(), HasSubstr("\n  auto       maps 2 tensors of 104 bytes"));
  Two there;
  EXPECT_EQ(LoadInto(there, File("plain.pth")).path, "direct");
}

}  // namespace
}  // namespace loadpath
