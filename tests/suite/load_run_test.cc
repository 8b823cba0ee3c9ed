#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "harness/base/error.h"
#include "harness/golden/safetensors_io.h"
#include "harness/suite/case_kinds.h"

namespace loadpath {
namespace {

int alive = 0;

class Counted : public torch::nn::Module {
 public:
  Counted() {
    register_buffer("w", at::zeros({3}));
    ++alive;
  }
  ~Counted() override { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};

TEST(LoadRun, FreesItsModuleIfItFails) {
  const std::string file = "load_run_test." + std::to_string(getpid()) + ".safetensors";
  WriteSafetensors(file, {{"w", at::ones({3})}});
  Model model;
  model.name = "counted";
  model.make = [] { return std::make_shared<Counted>(); };
  Session session({&model, 1}, ".", /*quick=*/true);
  // torch::pickle_load reads no safetensors file, which shows once the module is there.
  const auto run = MakeRun({.kind = CaseKind::kLoad,
                            .model = "counted",
                            .path = "pickle_load",
                            .device = DeviceName{},
                            .cache = CacheState::kHot,
                            .checkpoint = UserCheckpoint{file, ""}},
                           session);
  EXPECT_THROW(run->Verify(), Skipped);
  EXPECT_EQ(run->record.model, "counted");
  EXPECT_EQ(alive, 0);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace loadpath
