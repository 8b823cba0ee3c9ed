#include "harness/load/load_path.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "harness/base/error.h"
#include "harness/golden/compare.h"
#include "harness/load/prepare.h"
#include "loadpath/device.h"
#include "loadpath/tensor_allocator.h"
#include "models/models.h"
#include "tests/load/every_path.h"

namespace loadpath {
namespace {

LoadResult Load(std::string_view path, torch::nn::Module& module, const std::string& file, ReadOptions read = {},
                const std::string& key = "", OpenOptions open = {}) {
  return FindLoadPath(path)->load({.file = file, .key_path = key, .open = open, .module = module, .read = read});
}

TEST_P(EveryPath, GivesThePythonBitsOfEveryReferenceFile) {
  const Manifest manifest = Manifest::Read(REFERENCE_DATA);
  int loaded = 0;
  for (const ManifestFile& file : manifest.files()) {
    // Of large models the fixtures make only this file. bench may have left others, which would take minutes.
    constexpr std::uint64_t kLarge = std::uint64_t{64} << 20;
    if (file.size > kLarge && !(file.format == "zip" && file.layout == "bare")) continue;
    for (const auto& [name, key] : file.models) {
      if (manifest.FindModel(name) == nullptr) continue;
      SCOPED_TRACE(file.name + " " + name);
      const bool plain = PathOf(GetParam()).input == LoadInput::kPlainDict && !file.plain_dict.empty();
      DeferredInit deferred;
      const auto module = deferred.Construct(FindModel(name)->make);
      try {
        const LoadResult result = Load(GetParam(), *module, manifest.PathOf(plain ? file.plain_dict : file.name), {},
                                       key, {.opaque = file.format == "opaque"});
        deferred.Loaded(result.loaded);
        // Two formats put bytes anywhere, and tensors that are not aligned for their dtype cannot lie in a mapping. The
        // file that facenet-pytorch publishes has its weights in channels-last order.
        if (GetParam() == "mmap" && (file.format == "legacy" || file.format == "dcp")) {
          EXPECT_THAT(result.fallback, testing::MatchesRegex("|assign: [0-9]+ not aligned in the file"));
        } else if ((GetParam() == "direct" || GetParam() == "auto") && file.name == "facenet-onet.legacy.bare.pth") {
          EXPECT_EQ(result.fallback, "copy: 8 strided in the file");
        } else {
          EXPECT_EQ(result.tensors_fallen_back, 0u) << result.fallback;
          EXPECT_EQ(result.bytes_mapped > 0, GetParam() == "mmap" || result.choice.starts_with("maps "));
        }
        EXPECT_EQ(result.choice.empty(), GetParam() != "auto");
        if (GetParam() != "auto") {
          EXPECT_EQ(result.ran, GetParam());
        }
        EXPECT_EQ(result.bytes_copied.has_value(), !IsLibTorchs(GetParam()));
        if (GetParam() == "copy") {
          EXPECT_GE(*result.bytes_copied, result.bytes_loaded);
        }
      } catch (const Skipped& skipped) {
        EXPECT_TRUE(IsLibTorchs(GetParam()));
        EXPECT_FALSE(plain) << skipped.what();
        EXPECT_FALSE(PathOf(GetParam()).input == LoadInput::kTorchScript &&
                     (file.format == "torchscript" || file.format == "cpp"))
            << skipped.what();
        continue;
      }
      deferred.Finish();
      EXPECT_EQ(CheckParameters(*module, *manifest.FindModel(name)), "");
      ++loaded;
    }
  }
  EXPECT_GE(loaded, 8);
}

// Of dtype.pth, a[4, 5] is float64.
std::uint64_t BytesIn(std::string_view file) { return file == "dtype.pth" ? 20 * 8 + 6 * 4 : 26 * 4; }

struct Expected {
  const char* file;
  std::map<std::string_view, std::string> fallback;
};

TEST_P(EveryPath, FallsBackTensorByTensorAndSaysWhy) {
  const std::vector<Expected> files = {
      {"plain.pth", {}},
      {"slices.pth", {}},
      {"legacy.pth", {}},
      {"dtype.pth", {{"auto", "copy: 1 of another dtype"}, {"direct", "copy: 1 of another dtype"}}},
      {"strided.pth", {{"auto", "copy: 1 strided in the file"}, {"direct", "copy: 1 strided in the file"}}},
      {"deflated.pth", {{"mmap", "assign: 2 compressed"}}},
  };
  for (const Expected& expected : files) {
    SCOPED_TRACE(expected.file);
    Two module;
    LoadResult result;
    try {
      result = Load(GetParam(), module, File(expected.file));
    } catch (const Skipped&) {
      EXPECT_TRUE(IsLibTorchs(GetParam()));
      continue;
    }
    const auto fallback = expected.fallback.find(GetParam());
    // The pickle's length decides where the legacy format puts a storage: it may be aligned or not.
    if (std::string(expected.file) != "legacy.pth") {
      EXPECT_EQ(result.fallback, fallback == expected.fallback.end() ? "" : fallback->second);
    }
    EXPECT_TRUE(at::equal(module.a.to(at::kFloat), WantedA()));
    EXPECT_TRUE(at::equal(module.b, WantedB()));
    EXPECT_EQ(module.a.scalar_type(),
              PathOf(GetParam()).keeps_dtypes && std::string(expected.file) == "dtype.pth" ? at::kDouble : at::kFloat);
    EXPECT_TRUE(module.a.requires_grad());
    EXPECT_EQ(result.bytes_loaded, BytesIn(expected.file));
    EXPECT_EQ(result.bytes_mapped, GetParam() == "mmap" && result.fallback.empty() ? BytesIn(expected.file) : 0u);
  }
}

TEST_P(EveryPath, AFailedLoadLeavesTheModuleAsItWas) {
  for (const char* file : {"corrupt.pth", "unexpected.pth", "shape.pth"}) {
    SCOPED_TRACE(file);
    if (IsLibTorchs(GetParam()) && std::string(file) == "corrupt.pth") continue;
    Two module;
    const void* memory = module.a.data_ptr();
    EXPECT_ANY_THROW(Load(GetParam(), module, File(file), {.crc = CrcMode::kOn}));
    EXPECT_EQ(module.a.data_ptr(), memory);
    EXPECT_TRUE(at::equal(module.a, at::full({4, 5}, -1.0)));
    EXPECT_TRUE(at::equal(module.b, at::full({6}, -2.0)));
  }
}

// Tensors that are read, read twice and copied are one progress.
TEST_P(EveryPath, ReportsOneProgressAndCanBeCancelled) {
  if (IsLibTorchs(GetParam())) return;
  for (const char* file : {"plain.pth", "slices.pth", "dtype.pth", "strided.pth", "deflated.pth"}) {
    SCOPED_TRACE(file);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
    const auto load = [&](std::uint64_t stop) {
      Two module;
      told.clear();
      try {
        Load(GetParam(), module, File(file),
             {.crc = CrcMode::kOn, .progress = [&](std::uint64_t done, std::uint64_t total) {
                told.emplace_back(done, total);
                return done < stop;
              }});
      } catch (const CheckpointError& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCancelled);
        EXPECT_TRUE(module.IsFresh());
        return false;
      }
      EXPECT_TRUE(at::equal(module.a.to(at::kFloat), WantedA()) && at::equal(module.b, WantedB()));
      return true;
    };
    EXPECT_TRUE(load(~std::uint64_t{0}));
    ASSERT_GE(told.size(), 2u);
    const std::uint64_t total = told.back().second;
    for (const auto& [done, of] : told) EXPECT_EQ(of, total);
    EXPECT_EQ(told.front().first, 0u);
    EXPECT_EQ(told.back().first, total);
    EXPECT_LT(told[told.size() - 2].first, total);
    for (const std::uint64_t stop : {std::uint64_t{1}, total / 2, total}) load(stop);
    EXPECT_FALSE(load(0));
  }
}

TEST_P(EveryPath, AFailedLoadOfADeferredModuleGivesItsFirstValues) {
  if (IsLibTorchs(GetParam())) return;
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Two>(); });
  EXPECT_EQ(deferred.pending(), 2u);
  EXPECT_ANY_THROW(Load(GetParam(), *module, File("corrupt.pth"), {.crc = CrcMode::kOn}));
  deferred.Finish();
  EXPECT_TRUE(at::equal(module->a, at::full({4, 5}, -1.0)));
  EXPECT_TRUE(at::equal(module->b, at::full({6}, -2.0)));
}

// `a` holds values and has another dtype than the file, `b` waits for its fill.
TEST_P(EveryPath, AFailedLoadLeavesAModuleThatIsPartlyDeferredAsItWas) {
  struct Mixed : torch::nn::Module {
    Mixed() {
      a = register_buffer("a", at::full({4, 5}, -1.0, at::kDouble));
      b = register_parameter("b", at::empty({6}).fill_(-2.0));
    }
    at::Tensor a, b;
  };
  if (IsLibTorchs(GetParam())) return;
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Mixed>(); });
  EXPECT_EQ(deferred.pending(), 1u);
  EXPECT_ANY_THROW(Load(GetParam(), *module, File("corrupt.pth"), {.crc = CrcMode::kOn}));
  deferred.Finish();
  EXPECT_TRUE(at::equal(module->a, at::full({4, 5}, -1.0, at::kDouble)));
  EXPECT_TRUE(at::equal(module->b, at::full({6}, -2.0)));
}

// The module's tensors are views of one storage, which is filled when they are loaded.
TEST_P(EveryPath, LoadsIntoSeveralViewsOfADeferredTensor) {
  struct Slices : torch::nn::Module {
    Slices() : whole(at::empty({40}).fill_(-3.0)) {
      a = register_buffer("a", whole.slice(0, 2, 22).view({4, 5}));
      b = register_buffer("b", whole.slice(0, 30, 36));
    }
    at::Tensor whole, a, b;
  };
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Slices>(); });
  EXPECT_EQ(deferred.pending(), 1u);
  try {
    Load(GetParam(), *module, File("plain.pth"));
  } catch (const Skipped&) {
    EXPECT_TRUE(IsLibTorchs(GetParam()));
    return;
  }
  deferred.Finish();
  EXPECT_TRUE(at::equal(module->a, WantedA()));
  EXPECT_TRUE(at::equal(module->b, WantedB()));
  EXPECT_TRUE(at::equal(module->whole.slice(0, 22, 30), at::full({8}, -3.0)));
}

// Without deferred.Loaded(): the loaded weights used to be overwritten by the destructor.
TEST_P(EveryPath, LoadsIntoADeferredModuleThatKeepsItsWeights) {
  std::shared_ptr<Two> module;
  {
    DeferredInit deferred;
    module = deferred.Construct([] { return std::make_shared<Two>(); });
    EXPECT_EQ(deferred.pending(), 2u);
    try {
      Load(GetParam(), *module, File("plain.pth"));
    } catch (const Skipped&) {
      EXPECT_TRUE(IsLibTorchs(GetParam()));
      return;
    }
    EXPECT_EQ(deferred.pending(), 0u);
  }
  EXPECT_TRUE(module->IsLoaded());
}

TEST_P(EveryPath, CostsTheSameEveryTime) {
  std::vector<std::vector<std::optional<std::uint64_t>>> all;
  for (int i = 0; i < 5; ++i) {
    const ScopedTensorAllocator loading;
    Two module;
    const AllocationCounts start = ReadAllocationCounts();
    try {
      const LoadResult result = Load(GetParam(), module, File("plain.pth"));
      const AllocationCounts used = ReadAllocationCounts() - start;
      all.push_back({result.bytes_read, result.read_calls, result.bytes_copied, result.bytes_loaded,
                     result.bytes_mapped, used.allocations, used.bytes});
      EXPECT_EQ(result.bytes_copied.has_value(), !IsLibTorchs(GetParam()));
      if (GetParam() != "mmap" && result.bytes_read) {
        EXPECT_GE(*result.bytes_read, result.bytes_loaded);
      }
    } catch (const Skipped&) {
      EXPECT_TRUE(IsLibTorchs(GetParam()));
      return;
    }
    EXPECT_EQ(all.back(), all.front());
  }
}

TEST(PickleLoad, CountsTheBytesThatItReadsAndNotWhatLibTorchCopies) {
  Two module;
  const LoadResult result = Load("pickle_load", module, File("plain.pth"));
  const ReadReport opening = Checkpoint::Open(File("plain.pth"))->open_report();
  EXPECT_EQ(result.bytes_read, opening.bytes_read + std::filesystem::file_size(File("plain.pth")));
  EXPECT_EQ(result.read_calls, opening.read_calls + 1);
  EXPECT_EQ(result.bytes_copied, std::nullopt);
}

TEST_P(EveryPath, OfTwoKeysForOneTensorTheLaterWins) {
  struct Tied : Two {
    Tied() { register_parameter("tied", b); }
  } module;
  if (IsLibTorchs(GetParam())) return;  // one tensor at a time by itself
  const LoadResult result = Load(GetParam(), module, File("tied.pth"));
  EXPECT_EQ(result.bytes_loaded, 26u * 4) << "tied weights are loaded once and counted once";
  EXPECT_EQ(result.bytes_mapped, GetParam() == "mmap" ? 26u * 4 : 0u);
  EXPECT_TRUE(at::equal(module.b, at::ones({6})));
  EXPECT_EQ(module.named_parameters()["tied"].data_ptr(), module.b.data_ptr());
}

TEST_P(EveryPath, TheLaterNameWinsHoweverEachIsLoaded) {
  struct Named : torch::nn::Module {
    Named() {
      a = register_parameter("a", at::empty({6}).fill_(-1.0));
      register_module("other", std::make_shared<torch::nn::Module>())->register_parameter("b", a);
    }
    at::Tensor a;
  };
  if (IsLibTorchs(GetParam())) return;
  for (const char* file :
       {"names.pth", "names_dtype.pth", "names_other_dtype.pth", "names_strided.pth", "names_negated.pth"}) {
    Named module;
    Load(GetParam(), module, File(file));
    EXPECT_TRUE(at::equal(module.a.to(at::kFloat), at::full({6}, 2.0))) << file;
  }
}

TEST(Assigning, KeepsTensorsTogetherThatShareAStorageInTheFile) {
  for (const char* path : {"assign", "mmap"}) {
    Two module;
    Load(path, module, File("slices.pth"));
    EXPECT_TRUE(module.a.storage().is_alias_of(module.b.storage())) << path;
  }
}

TEST(Mmap, OutlivesTheCheckpointAndNeverWritesToTheFile) {
  Two module;
  const LoadResult result = Load("mmap", module, File("plain.pth"));
  EXPECT_EQ(result.bytes_mapped, result.bytes_loaded);
  EXPECT_GT(result.seconds.resident, 0);
  const at::NoGradGuard no_grad;
  module.a.fill_(9);
  Two second;
  Load("direct", second, File("plain.pth"));
  EXPECT_TRUE(at::equal(second.a, WantedA()));
  EXPECT_TRUE(at::equal(module.b, WantedB()));
}

TEST(Direct, WritesIntoSlicesOfTheModulesOwnStorageAndNothingBeside) {
  struct Slices : torch::nn::Module {
    Slices() : whole(at::full({40}, -3.0)) {
      register_buffer("a", whole.slice(0, 2, 22).view({4, 5}));
      register_buffer("b", whole.slice(0, 30, 36));
    }
    at::Tensor whole;
  } module;
  const LoadResult result = Load("direct", module, File("plain.pth"));
  EXPECT_EQ(result.fallback, "");
  // Small records are read together and copied out: once for their checksums, and once into the module.
  EXPECT_EQ(result.bytes_copied, 2 * 26u * 4);
  EXPECT_TRUE(at::equal(module.whole.slice(0, 2, 22), WantedA().flatten()));
  EXPECT_TRUE(at::equal(module.whole.slice(0, 30, 36), WantedB()));
  EXPECT_EQ((module.whole == -3).sum().item<std::int64_t>(), 40 - 26);
}

// One of the two is strided in the file, so that it would be copied anyway.
TEST(Direct, OverlappingTargetsKeepTheirOrderIfOneFallsBackForAnotherReason) {
  struct Overlapping : torch::nn::Module {
    Overlapping() : whole(at::full({24}, -3.0)) {
      register_buffer("b", whole.slice(0, 18, 24));
      register_buffer("a", whole.slice(0, 0, 20).view({4, 5}));
    }
    at::Tensor whole;
  };
  for (const char* path : {"copy", "direct", "auto"}) {
    Overlapping module;
    Load(path, module, File("strided.pth"));
    EXPECT_TRUE(at::equal(module.whole, at::cat({WantedA().flatten(), WantedB().slice(0, 2)}))) << path;
  }
}

TEST(Direct, OverlappingTargetsAreCopiedInTheirOrder) {
  struct Overlapping : torch::nn::Module {
    Overlapping() : whole(at::full({24}, -3.0)) {
      register_buffer("a", whole.slice(0, 0, 20).view({4, 5}));
      register_buffer("b", whole.slice(0, 18, 24));
    }
    at::Tensor whole;
  } module;
  EXPECT_EQ(Load("direct", module, File("plain.pth")).fallback, "copy: 2 overlapping in the module");
  EXPECT_TRUE(at::equal(module.whole.slice(0, 18, 24), WantedB()));
  EXPECT_TRUE(at::equal(module.whole.slice(0, 0, 18), WantedA().flatten().slice(0, 0, 18)));
}

// Tests the logic of loading to another device, with the CPU as that device.
TEST(Staged, GivesTheSameBitsInNewMemoryAndFinishesTheConstruction) {
  for (const char* file : {"plain.pth", "dtype.pth", "strided.pth", "slices.pth"}) {
    SCOPED_TRACE(file);
    DeferredInit deferred;
    const auto module = deferred.Construct([] { return std::make_shared<Two>(); });
    const LoadResult result = LoadStaged({.file = File(file), .module = *module});
    EXPECT_EQ(deferred.pending(), 0u);
    EXPECT_EQ(result.ran, "staged");
    EXPECT_TRUE(at::equal(module->a, WantedA()));
    EXPECT_TRUE(at::equal(module->b, WantedB()));
    EXPECT_EQ(module->a.scalar_type(), at::kFloat);
    EXPECT_EQ(result.bytes_loaded, BytesIn(file));
  }
}

TEST(Staged, AFailedLoadLeavesTheModuleAsItWas) {
  Two module;
  EXPECT_THROW(LoadStaged({.file = File("corrupt.pth"), .module = module, .read = {.crc = CrcMode::kOn}}),
               CheckpointError);
  EXPECT_TRUE(at::equal(module.a, at::full({4, 5}, -1.0)));
}

TEST(PickleLoad, WhatLibTorchRefusesIsSkippedInItsOwnWords) {
  Two module;
  EXPECT_THAT([&] { Load("pickle_load", module, File("protocol_3.pth")); },
              testing::ThrowsMessage<Skipped>(testing::AllOf(
                  testing::StartsWith("torch::pickle_load refuses it: Only Pickle protocol 2 is supported"),
                  testing::Not(testing::HasSubstr("\n")))));
}

// If LibTorch were given the file, it would read memory that is not the file's: AddressSanitizer would end the test.
TEST(PickleLoad, IsNotGivenWhatIsNoZipArchive) {
  Two module;
  EXPECT_THAT([&] { Load("pickle_load", module, File("legacy.pth")); },
              testing::ThrowsMessage<Skipped>("torch::pickle_load reads only zip archives"));
}

TEST(PickleLoad, ComparesNoChecksum) {
  Two module;
  const LoadResult result = Load("pickle_load", module, File("corrupt.pth"), {.crc = CrcMode::kOn});
  EXPECT_THAT(result.crc, testing::Each(CrcStatus::kOff));
  EXPECT_FALSE(at::equal(module.b, WantedB()));
}

TEST(JitLoad, WhatLibTorchRefusesIsSkippedInItsOwnWords) {
  Two module;
  EXPECT_THAT(
      [&] { Load("jit_load", module, File("plain.pth")); },
      testing::ThrowsMessage<Skipped>(
          "torch::jit::load refuses it: PytorchStreamReader failed locating file constants.pkl: file not found"));
  EXPECT_THAT([&] { Load("jit_load", module, File("nested.pth"), {}, "weights"); },
              testing::ThrowsMessage<Skipped>("torch::jit::load returns a module, which has nothing at \"weights\""));
  EXPECT_TRUE(at::equal(module.a, at::full({4, 5}, -1.0)));
}

// Sets whether TF32 is allowed, and restores both settings.
class Tf32 {
 public:
  explicit Tf32(bool allowed) { Set(allowed, allowed); }
  ~Tf32() { Set(blas_, dnn_); }
  Tf32(const Tf32&) = delete;
  Tf32& operator=(const Tf32&) = delete;
  bool BothAre(bool allowed) const {
    return context_.allowTF32CuBLAS() == allowed && context_.allowTF32CuDNN() == allowed;
  }

 private:
  void Set(bool blas, bool dnn) {
    context_.setAllowTF32CuBLAS(blas);
    context_.setAllowTF32CuDNN(dnn);
  }
  at::Context& context_ = at::globalContext();
  bool blas_ = context_.allowTF32CuBLAS(), dnn_ = context_.allowTF32CuDNN();
};

TEST(Device, DisableTf32TurnsItOffForBothLibraries) {
  const Tf32 tf32(true);
  ASSERT_TRUE(tf32.BothAre(true));
  DisableTf32();
  EXPECT_TRUE(tf32.BothAre(false));
}

TEST(Device, OpeningAGpuLeavesTf32Alone) {
  const Tf32 tf32(true);
  try {
    OpenDevice("cuda");
  } catch (const DeviceError& error) {
    GTEST_SKIP() << error.what();
  }
  EXPECT_TRUE(tf32.BothAre(true));
}

TEST(Device, AnUnknownNameIsBadUse) {
  EXPECT_EQ(OpenDevice("cpu"), at::Device(at::kCPU));
  EXPECT_THAT([] { OpenDevice("abacus"); },
              testing::ThrowsMessage<UsageError>("device abacus: not known; use cpu, cuda or cuda:N"));
  EXPECT_THAT([] { OpenDevice("mps"); },
              testing::ThrowsMessage<UsageError>("device mps: not known; use cpu, cuda or cuda:N"));
}

}  // namespace
}  // namespace loadpath
