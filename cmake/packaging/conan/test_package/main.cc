// Reads a checkpoint of one tensor from memory and prints its name and first value.
#include <loadpath/checkpoint.h>

#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

int main() {
  using namespace std::string_view_literals;
  constexpr std::string_view kFile =
      "\x40\0\0\0\0\0\0\0"
      R"({"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}     )"
      "\0\0\x20\x41\0\0\0\0"sv;
  const auto checkpoint = loadpath::Checkpoint::FromMemory(std::as_bytes(std::span(kFile)));
  const loadpath::Tree& tree = checkpoint->tree();
  for (const loadpath::TensorPath& place : loadpath::ListTensors(tree, tree.root())) {
    const std::vector<std::byte> bytes = loadpath::ReadTensor(*checkpoint, tree.tensor(place.node));
    float first;
    std::memcpy(&first, bytes.data(), sizeof first);
    std::printf("%s %zu %g\n", place.path.back().c_str(), bytes.size(), first);
  }
}
