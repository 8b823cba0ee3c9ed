#include "bench/ckpt/subcommands.h"

namespace loadpath::ckpt {

#define LOADPATH_SUBCOMMAND(Name, name, summary, needs) Command Declare##Name(CLI::App& app);
#include "bench/ckpt/subcommands.inc"
#undef LOADPATH_SUBCOMMAND

std::span<const Subcommand> Subcommands() {
#define LOADPATH_SUBCOMMAND(Name, name, summary, needs) {name, summary, Declare##Name, NeedsLibTorch::needs},
  static constexpr Subcommand kSubcommands[] = {
#include "bench/ckpt/subcommands.inc"
  };
#undef LOADPATH_SUBCOMMAND
  return kSubcommands;
}

}  // namespace loadpath::ckpt
