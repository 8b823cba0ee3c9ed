#include "harness/inspect/sharing.h"

#include "harness/base/text.h"
#include "harness/inspect/digest.h"

namespace loadpath {

Sharing::Sharing(const Tree& tree, std::span<const TensorPath> tensors)
    : tree_(tree), tensors_(tensors), same_(FirstOfEqualViews(tree, tensors)) {
  for (std::size_t i = 0; i < tensors.size(); ++i) users_[tree.tensor(tensors[i].node).storage].push_back(i);
}

std::string Sharing::Sentence(std::size_t i) const {
  const auto name = [&](std::size_t other) { return DottedPath(tensors_[other].path); };
  if (same_[i] != i) return "is " + name(same_[i]);
  const TensorView& tensor = tree_.tensor(tensors_[i].node);
  const std::vector<std::size_t>& users = users_.at(tensor.storage);
  if (users.size() < 2) return {};
  const std::size_t other = users[0] == i ? users[1] : users[0];
  // The first of several equal ones is told at the others.
  if (users[0] == i && same_[other] == i) return {};
  std::string sentence = "shares the storage of " + name(other);
  if (tensor.storage_offset > 0) sentence += " from element " + std::to_string(tensor.storage_offset) + " on";
  if (users.size() > 2) sentence += ", with " + std::to_string(users.size() - 2) + " more";
  return sentence;
}

}  // namespace loadpath
