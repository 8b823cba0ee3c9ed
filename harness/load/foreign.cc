#include "harness/load/foreign.h"

#include <ATen/ATen.h>

#include <filesystem>

namespace loadpath {

void RequireOneFile(std::string_view reader, const LoadRequest& request, const Checkpoint& checkpoint) {
  if (request.device != at::kCPU) throw Skipped(std::string(reader) + " is compared on the CPU alone");
  if (checkpoint.file_count() != 1 || !std::filesystem::is_regular_file(checkpoint.path())) {
    throw Skipped(std::string(reader) + " reads one file alone");
  }
}

void Refuses(std::string_view reader, const std::exception& error) {
  const auto* ours = dynamic_cast<const c10::Error*>(&error);
  const std::string text = ours != nullptr ? ours->what_without_backtrace() : error.what();
  // Its message begins with an empty line where it shows a piece of code.
  const std::size_t begin = std::min(text.find_first_not_of("\n "), text.size());
  // Behind its zip reader's errors stand, always the same, four sentences of advice.
  const std::size_t end = std::min(text.find('\n', begin), text.find(". This is an internal miniz error", begin));
  throw Skipped(std::string(reader) + " refuses it: " + text.substr(begin, end - begin));
}

void CopyFound(std::string_view reader, const LoadRequest& request, const Prepared& prepared,
               const std::function<std::optional<at::Tensor>(const std::string& key)>& find, LoadResult& result) {
  std::vector<at::Tensor> sources;
  for (const PlannedTensor& planned : prepared.tensors) {
    std::optional<at::Tensor> found = find(request.options.remove_prefix + planned.key);
    if (!found) found = find(planned.key);
    if (!found) throw Skipped(std::string(reader) + " gives no tensor " + planned.key);
    sources.push_back(found->view(planned.shape));
  }
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    prepared.tensors[i].target.copy_(sources[i]);
    result.bytes_copied += prepared.tensors[i].target.nbytes();
  }
  // LibTorch's readers compare no CRC-32: they take a flipped byte for a weight.
  result.read.crc.assign(prepared.tensors.size(), CrcStatus::kOff);
}

}  // namespace loadpath
