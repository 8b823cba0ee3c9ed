#include <loadpath/checkpoint.h>

#include <cstdio>
#include <cstring>

int main(int, char** argv) try {
  const auto checkpoint = loadpath::Checkpoint::Open(argv[1]);
  const loadpath::Tree& tree = checkpoint->tree();
  for (const loadpath::TensorPath& place : loadpath::ListTensors(tree, tree.root())) {
    const std::vector<std::byte> bytes = loadpath::ReadTensor(*checkpoint, tree.tensor(place.node));
    float first;
    std::memcpy(&first, bytes.data(), sizeof first);
    std::printf("%s %zu %.9g\n", place.path.back().c_str(), bytes.size(), first);
  }
} catch (const loadpath::CheckpointError& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
