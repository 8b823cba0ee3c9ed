#include "harness/inspect/tensor_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "harness/inspect/numbers.h"

namespace loadpath {
namespace {

constexpr std::size_t kLineWidth = 80;
constexpr std::int64_t kEdgeItems = 3;
constexpr std::uint64_t kThreshold = 1000;
// Above this, PyTorch's form is too long to read: the edges alone are 6 ** rank elements.
constexpr std::size_t kMostElements = 20000;

std::string Printed(const char* format, int digits, long double value) {
  char text[512];
  std::snprintf(text, sizeof text, format, digits, value);
  return text;
}

// Formats the shown elements as torch._tensor_str._Formatter does.
class Formatter {
 public:
  Formatter(NumberClass kind, std::span<const long double> shown) : kind_(kind) {
    if (IsFloat()) {
      Prepare(shown);
    } else {
      for (const long double value : shown) width_ = std::max(width_, Text(value).size());
    }
  }

  std::size_t width() const { return width_; }

  std::string Padded(long double value) const {
    const std::string text = Text(value);
    return std::string(width_ - std::min(width_, text.size()), ' ') + text;
  }

 private:
  bool IsFloat() const { return kind_ == NumberClass::kFloat || kind_ == NumberClass::kComplex; }

  void Prepare(std::span<const long double> shown) {
    double smallest = std::numeric_limits<double>::infinity(), largest = 0;
    for (const long double value : shown) {
      if (!std::isfinite(value) || value == 0) continue;
      const double magnitude = std::fabs(static_cast<double>(value));
      smallest = std::min(smallest, magnitude);
      largest = std::max(largest, magnitude);
      whole_ = whole_ && value == std::ceil(value);
    }
    if (largest == 0) return;
    scientific_ = largest / smallest > 1000.0 || largest > 1.0e8 || smallest < 1.0e-4;
    for (const long double value : shown) {
      if (std::isfinite(value) && value != 0) width_ = std::max(width_, Text(value).size());
    }
  }

  std::string Text(long double value) const {
    if (kind_ == NumberClass::kBool) return value != 0 ? "True" : "False";
    if (!IsFloat()) return Printed("%.*Lf", 0, value);
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
    if (scientific_) return Printed("%.*Le", 4, value);
    return whole_ ? Printed("%.*Lf", 0, value) + "." : Printed("%.*Lf", 4, value);
  }

  NumberClass kind_;
  bool whole_ = true, scientific_ = false;
  std::size_t width_ = 1;
};

// Returns the shown positions along one dimension, -1 for the dots.
std::vector<std::int64_t> Shown(std::int64_t size, bool summarize) {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < size; ++i) {
    if (summarize && size > 2 * kEdgeItems && i == kEdgeItems) {
      positions.push_back(-1);
      i = size - kEdgeItems;
    }
    positions.push_back(i);
  }
  return positions;
}

class Writer {
 public:
  Writer(std::span<const std::byte> elements, Dtype dtype, std::span<const std::int64_t> shape)
      : elements_(elements), dtype_(dtype), kind_(ClassOf(dtype)), shape_(shape) {}

  std::string Write() {
    const std::uint64_t count = elements_.size() / ItemSize(dtype_);
    if (count == 0) return "tensor([]" + EmptySuffix() + ")";
    const bool summarize = count > kThreshold;
    double shown = 1;
    for (const std::int64_t size : shape_) {
      positions_.push_back(Shown(size, summarize && size > 2 * kEdgeItems));
      shown *= static_cast<double>(positions_.back().size());
    }
    if (shown > static_cast<double>(kMostElements)) return "tensor(...)";
    std::vector<long double> real, imag;
    Collect(0, 0, real, imag);
    const Formatter real_format(kind_, real), imag_format(kind_, imag);
    real_ = &real_format;
    imag_ = kind_ == NumberClass::kComplex ? &imag_format : nullptr;
    std::string text = "tensor(" + Part(0, 0, kPrefix);
    if (dtype_ != Dtype::kFloat32 && dtype_ != Dtype::kComplex64 && dtype_ != Dtype::kInt64 && dtype_ != Dtype::kBool) {
      AppendSuffix(text, "dtype=torch." + std::string(Name(dtype_)));
    }
    return text + ")";
  }

 private:
  static constexpr std::size_t kPrefix = 7;  // of "tensor("

  std::string EmptySuffix() const {
    std::string suffix;
    if (shape_.size() != 1) {
      suffix = ", size=(";
      for (std::size_t i = 0; i < shape_.size(); ++i) suffix += (i ? ", " : "") + std::to_string(shape_[i]);
      suffix += ")";
    }
    if (dtype_ != Dtype::kFloat32) suffix += ", dtype=torch." + std::string(Name(dtype_));
    return suffix;
  }

  // As torch._tensor_str._add_suffixes, which counts the last line without "tensor(".
  static void AppendSuffix(std::string& text, const std::string& suffix) {
    const std::size_t newline = text.rfind('\n');
    const std::size_t last = newline == std::string::npos ? text.size() + 2 : text.size() - newline + 1;
    text += last + suffix.size() + 2 > kLineWidth ? ",\n" + std::string(kPrefix, ' ') + suffix : ", " + suffix;
  }

  Number At(std::uint64_t index) const { return ElementAt(elements_.data() + index * ItemSize(dtype_), dtype_); }

  void Collect(std::size_t dim, std::uint64_t index, std::vector<long double>& real,
               std::vector<long double>& imag) const {
    if (dim == shape_.size()) {
      const Number number = At(index);
      real.push_back(number.real);
      if (kind_ == NumberClass::kComplex) imag.push_back(number.imag);
      return;
    }
    for (const std::int64_t i : positions_[dim]) {
      if (i >= 0)
        Collect(dim + 1, index * static_cast<std::uint64_t>(shape_[dim]) + static_cast<std::uint64_t>(i), real, imag);
    }
  }

  std::string Element(std::uint64_t index) const {
    const Number number = At(index);
    std::string text = real_->Padded(number.real);
    if (!imag_) return text;
    std::string imag = imag_->Padded(number.imag) + "j";
    imag.erase(0, imag.find_first_not_of(' '));
    return text + (imag[0] == '-' ? "" : "+") + imag;
  }

  std::string Part(std::size_t dim, std::uint64_t index, std::size_t indent) const {
    if (dim == shape_.size()) return Element(index);
    const bool last = dim + 1 == shape_.size();
    const std::size_t length = real_->width() + 2 + (imag_ ? imag_->width() + 1 : 0);
    const std::size_t per_line =
        last ? std::max<std::size_t>(1, indent < kLineWidth ? (kLineWidth - indent) / length : 1) : 1;
    std::string text = "[";
    for (std::size_t i = 0; i < positions_[dim].size(); ++i) {
      const std::int64_t at = positions_[dim][i];
      if (i) {
        if (last) {
          text += i % per_line ? ", " : ",\n";
          if (i % per_line == 0) text.append(indent + 1, ' ');
        } else {
          text += ',';
          text.append(shape_.size() - dim - 1, '\n').append(indent + 1, ' ');
        }
      }
      text += at < 0 ? (last ? " ..." : "...")
                     : Part(dim + 1, index * static_cast<std::uint64_t>(shape_[dim]) + static_cast<std::uint64_t>(at),
                            indent + 1);
    }
    return text + "]";
  }

  std::span<const std::byte> elements_;
  Dtype dtype_;
  NumberClass kind_;
  std::span<const std::int64_t> shape_;
  std::vector<std::vector<std::int64_t>> positions_;
  const Formatter* real_ = nullptr;
  const Formatter* imag_ = nullptr;
};

}  // namespace

std::string TensorText(std::span<const std::byte> elements, Dtype dtype, std::span<const std::int64_t> shape) {
  return Writer(elements, dtype, shape).Write();
}

}  // namespace loadpath
