// bench: the suite of the bundled models. Measures ways of loading checkpoints into LibTorch modules.
#include "bench/end_process.h"
#include "loadpath/suite.h"
#include "models/models.h"

int main(int argc, char** argv) {
  const auto models = loadpath::Models();
  return loadpath::bench::EndProcess(
      loadpath::SuiteMain(argc, argv, {models.begin(), models.end()}, "", "scripts/bench makes it"));
}
