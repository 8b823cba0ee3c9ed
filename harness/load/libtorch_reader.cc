#include "harness/load/libtorch_reader.h"

#include <ATen/ATen.h>

namespace loadpath {

void RequireOneFile(std::string_view reader, const LoadRequest& request, const Checkpoint& checkpoint) {
  if (request.device != at::kCPU) throw Skipped(std::string(reader) + " is compared only on the CPU");
  if (!checkpoint.InFiles())
    throw Skipped(std::string(reader) + " reads the file itself, and the checkpoint lies in none");
  if (checkpoint.file_count() != 1 || checkpoint.file_path(0) != checkpoint.path()) {
    throw Skipped(std::string(reader) + " cannot read a checkpoint of several files");
  }
}

void SkipAsRefused(std::string_view reader, const std::exception& error) {
  const auto* ours = dynamic_cast<const c10::Error*>(&error);
  std::string text = ours != nullptr ? ours->what_without_backtrace() : error.what();
  // It begins with an empty line if it shows a piece of code.
  text.erase(0, text.find_first_not_of("\n "));
  // Leave out the four sentences of advice behind every error of its zip reader, and the source line in the folder in
  // which LibTorch was built.
  text.erase(std::min(text.find(". This is an internal miniz error"), text.size()));
  static constexpr std::string_view kAsk = "please report a bug to PyTorch. ";
  const std::size_t assertion = text.find("INTERNAL ASSERT FAILED at "), ask = text.find(kAsk);
  if (assertion != std::string::npos && ask != std::string::npos) text.erase(0, ask + kAsk.size());
  throw Skipped(std::string(reader) + " refuses it: " + text);
}

void CopyFound(std::string_view reader, const Prepared& prepared,
               const std::function<std::optional<at::Tensor>(const std::string& key)>& find, LoadResult& result) {
  std::vector<at::Tensor> sources;
  for (const PlannedTensor& planned : prepared.tensors) {
    const std::string& key = planned.file_key.empty() ? planned.key : planned.file_key;
    const std::optional<at::Tensor> found = find(key);
    if (!found) throw Skipped(std::string(reader) + " returns no tensor " + key);
    sources.push_back(found->view(planned.shape()));
  }
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < sources.size(); ++i) prepared.tensors[i].target.copy_(sources[i]);
  result.bytes_copied = std::nullopt;
  // LibTorch's readers compare no CRC-32: they take a flipped byte for a weight.
  result.crc.assign(prepared.tensors.size(), CrcStatus::kOff);
  Finish(result);
}

}  // namespace loadpath
