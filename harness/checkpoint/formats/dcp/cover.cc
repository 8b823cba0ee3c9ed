// A box is a signed sum of orthants, one at each of its 2^d corners, and orthants are linearly independent. So boxes
// cover a box once, without overlap and without holes, exactly if all signed corners but its own cancel.
#include "harness/checkpoint/formats/dcp/cover.h"

#include <algorithm>
#include <numeric>

#include "harness/checkpoint/limits.h"

namespace loadpath {
namespace {

struct Box {
  std::vector<std::int64_t> low, high;  // in the dimensions that are split
  int sign = 1;
};

std::int64_t ExtentOf(const Tree& tree, NodeId size, std::size_t dimension) {
  return tree.integer(tree.items(size)[dimension]);
}

// Returns true if the boxes' signed corners sum to nothing.
bool CornersCancel(const std::vector<Box>& boxes, std::size_t rank) {
  const std::size_t corners = std::size_t{1} << rank;
  std::vector<std::int64_t> points(boxes.size() * corners * rank);
  std::vector<int> signs(boxes.size() * corners);
  std::size_t at = 0;
  for (const Box& box : boxes) {
    for (std::size_t corner = 0; corner < corners; ++corner, ++at) {
      signs[at] = box.sign;
      for (std::size_t d = 0; d < rank; ++d) {
        const bool upper = (corner >> d & 1) != 0;
        points[at * rank + d] = upper ? box.high[d] : box.low[d];
        if (upper) signs[at] = -signs[at];
      }
    }
  }
  const auto point = [&](std::size_t i) { return std::span(points).subspan(i * rank, rank); };
  std::vector<std::uint32_t> order(signs.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::lexicographical_compare(point(a).begin(), point(a).end(), point(b).begin(), point(b).end());
  });
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && !std::equal(point(order[i]).begin(), point(order[i]).end(), point(order[i - 1]).begin())) {
      if (sum != 0) return false;
    }
    sum += signs[order[i]];
  }
  return sum == 0;
}

}  // namespace

bool IsEmpty(const Tree& tree, const DcpChunk& chunk) {
  const std::span<const NodeId> sizes = tree.items(chunk.sizes);
  return std::any_of(sizes.begin(), sizes.end(), [&](NodeId size) { return tree.integer(size) == 0; });
}

CoverProblem CheckCover(const Tree& tree, std::span<const std::int64_t> shape, std::span<const DcpChunk> chunks) {
  std::vector<bool> is_split(shape.size());
  std::size_t count = 0;
  __int128 elements = 0;
  for (const DcpChunk& chunk : chunks) {
    __int128 volume = 1;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const std::int64_t offset = ExtentOf(tree, chunk.offsets, d), size = ExtentOf(tree, chunk.sizes, d);
      if (offset < 0 || size < 0 || offset > shape[d] || size > shape[d] - offset)
        return {"has a chunk that reaches outside its tensor"};
      volume *= size;
    }
    if (volume == 0) continue;
    elements += volume;
    ++count;
    for (std::size_t d = 0; d < shape.size(); ++d)
      is_split[d] = is_split[d] || ExtentOf(tree, chunk.sizes, d) != shape[d];
  }
  __int128 wanted = 1;
  for (const std::int64_t extent : shape) wanted *= extent;
  if (elements > wanted) return {"has chunks that overlap"};
  if (elements < wanted) return {"has chunks that leave a part of their tensor out"};
  if (count < 2) return {};
  std::vector<std::size_t> split;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (is_split[d]) split.push_back(d);
  }
  if (split.size() >= 32 || (count + 1) << split.size() > std::max(limits::kCorners, 8 * (count + 1))) {
    return {"has chunks that split " + std::to_string(split.size()) +
                " dimensions: whether they cover their tensor takes too long to find out",
            ErrorCode::kLimitExceeded};
  }
  std::vector<Box> boxes(1);
  boxes[0].sign = -1;
  for (const std::size_t d : split) {
    boxes[0].low.push_back(0);
    boxes[0].high.push_back(shape[d]);
  }
  for (const DcpChunk& chunk : chunks) {
    if (IsEmpty(tree, chunk)) continue;
    Box& box = boxes.emplace_back();
    for (const std::size_t d : split) {
      box.low.push_back(ExtentOf(tree, chunk.offsets, d));
      box.high.push_back(box.low.back() + ExtentOf(tree, chunk.sizes, d));
    }
  }
  if (!CornersCancel(boxes, split.size())) return {"has chunks that overlap and leave a part of their tensor out"};
  return {};
}

}  // namespace loadpath
