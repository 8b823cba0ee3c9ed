// What `auto` maps, what it reads, and that nothing but the time tells a module that it mapped from one that was
// copied.
#include <c10/core/InferenceMode.h>
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

// One slice of a storage keeps its memory; the other cannot be copied as it is, and neither is.
TEST(Auto, ASliceIsNotTakenForItsNeighbour) {
  struct Mixed : torch::nn::Module {
    Mixed() {
      big = register_parameter("big", at::empty({1000}).fill_(-1.0));
      a = register_buffer("a", at::zeros({6}).add(0));
      b = register_buffer("b", at::zeros({6}, at::kDouble).add(0));
    }
    at::Tensor big, a, b;
  };
  const Costs costs(kMap);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Mixed>(); });
  const LoadResult result = PathOf("auto").load({.file = File("mixed.pth"), .module = *module});
  deferred.Finish();
  EXPECT_EQ(result.bytes_mapped, 4000u);
  EXPECT_TRUE(at::equal(module->a, at::arange(1, 7, at::kFloat)));
  EXPECT_TRUE(at::equal(module->b, at::arange(7, 13, at::kDouble)));
  EXPECT_EQ(result.fallback, "copy: 1 of another dtype");
}

// As the counters of batch normalisation, which an operation has written.
TEST(Auto, CopiesSmallTensorsThatAreInUseOutOfTheMapping) {
  const Costs costs(kMap);
  const Loaded loaded("plain.pth", {}, [](Two& module) {
    const at::NoGradGuard no_grad;
    module.b.add_(1);
  });
  EXPECT_TRUE(loaded.module->IsLoaded());
  EXPECT_EQ(loaded.result.ran, "mmap");
  EXPECT_THAT(loaded.result.choice, HasSubstr("the others keep their memory: 1 whose memory is in use"));
  EXPECT_EQ(loaded.result.bytes_mapped, 20 * 4u);
  EXPECT_EQ(loaded.result.bytes_copied, 6 * 4u);
}

TEST(Auto, KeepsTheModulesStrides) {
  struct Convolution : torch::nn::Module {
    Convolution() { weight = register_parameter("weight", at::empty({4, 6, 1, 1}).fill_(-1.0)); }
    at::Tensor weight;
  };
  const Costs costs(kMap);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Convolution>(); });
  const LoadResult result = PathOf("auto").load({.file = File("channels_last.pth"), .module = *module});
  deferred.Finish();
  EXPECT_EQ(result.ran, "mmap");
  EXPECT_EQ(module->weight.strides(), at::empty({4, 6, 1, 1}).strides());
  EXPECT_TRUE(at::equal(module->weight.flatten(), at::arange(24, at::kFloat)));
}

// A fill that another tensor of the same memory was given would stay recorded for nobody.
TEST(Auto, ReadsWhatWasFilledThroughAnotherTensor) {
  struct Through : Two {
    Through() { a.data().fill_(5.0); }
  };
  const Costs costs(kMap);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Through>(); });
  const LoadResult result = PathOf("auto").load({.file = File("plain.pth"), .module = *module});
  EXPECT_EQ(deferred.pending(), 0u);
  EXPECT_TRUE(module->IsLoaded());
  EXPECT_EQ(result.bytes_mapped, 6 * 4u);
}

TEST(Auto, ParametersStayOrdinaryTensorsInInferenceMode) {
  const Costs costs(kMap);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Two>(); });
  {
    const c10::InferenceMode inference;
    PathOf("auto").load({.file = File("plain.pth"), .module = *module});
  }
  EXPECT_FALSE(module->a.is_inference());
  module->a.sum().backward();
  EXPECT_TRUE(at::equal(module->a.grad(), at::ones({4, 5})));
}

TEST(Auto, TellsItsProgressAndIsCancelled) {
  const Costs costs(kMap);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
  const Loaded loaded(
      "plain.pth",
      {.progress = Progress([&](std::uint64_t done, std::uint64_t total) { told.emplace_back(done, total); })});
  EXPECT_EQ(loaded.result.ran, "mmap");
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().first, told.back().second);
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Two>(); });
  const Progress stop([](std::uint64_t, std::uint64_t) { return false; });
  EXPECT_THROW(PathOf("auto").load({.file = File("plain.pth"), .module = *module, .read = {.progress = stop}}),
               CheckpointError);
  deferred.Finish();
  EXPECT_TRUE(module->IsFresh());
}

TEST(Auto, AFailedLoadLeavesTheModuleAsItWas) {
  const Costs costs(kMap);
  for (const char* file : {"unexpected.pth", "shape.pth", "cut.pth"}) {
    DeferredInit deferred;
    const auto module = deferred.Construct([] { return std::make_shared<Two>(); });
    EXPECT_ANY_THROW(PathOf("auto").load({.file = File(file), .module = *module})) << file;
    deferred.Finish();
    EXPECT_TRUE(module->IsFresh()) << file;
  }
}

TEST(Auto, OfTheLibraryMapsOnlyAFileThatStays) {
  const Costs costs(kMap);
  EXPECT_EQ(Load([] { return std::make_shared<Two>(); }, File("plain.pth")).report.choice,
            "reads: the file may change (LoadOptions::file_stays)");
  const auto [module, report] = Load([] { return std::make_shared<Two>(); }, File("plain.pth"), {.file_stays = true});
  EXPECT_TRUE(module->IsLoaded());
  EXPECT_EQ(report.path, "mmap");
  EXPECT_EQ(report.bytes_mapped, report.bytes);
  EXPECT_THAT(report.Text(), HasSubstr("\n  auto       maps 2 tensors of 104 bytes"));
  Two there;
  EXPECT_EQ(LoadInto(there, File("plain.pth"), {.file_stays = true}).path, "direct");
}

TEST(AutoCosts, AreWrittenAsTheyAreRead) {
  const AutoCosts costs = ParseAutoCosts("map 1 2.5 0.04 0.5 read 70000 4 0 1e-3");
  EXPECT_EQ(AutoCostsText(costs), "map 1 2.5 0.04 0.5 read 7e+04 4 0 0.001");
  for (const char* wrong : {"", "map 1 2 3 4", "map 1 2 3 4 read 1 2 3", "map 1 2 3 4 read 1 2 3 -4",
                            "map 1 2 3 4 read 1 2 3 4 5", "map 1 2 3 4 read 1 2 3 nan", "read 1 2 3 4 map 1 2 3 4"})
    EXPECT_THROW(ParseAutoCosts(wrong), std::invalid_argument) << wrong;
}

}  // namespace
}  // namespace loadpath
