#include "harness/measure/fresh_copy.h"

#include <unistd.h>

#include <filesystem>
#include <stdexcept>

namespace loadpath {

FreshCopy::FreshCopy(const std::string& root, std::span<const std::string> files) {
  namespace fs = std::filesystem;
  const fs::path from(fs::absolute(root));
  const fs::path base = fs::is_directory(from) ? from : from.parent_path();
  folder_ = (base.parent_path() / (".loadpath-copy-" + std::to_string(getpid()))).string();
  try {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    for (const std::string& file : files) {
      const fs::path to = folder_ / fs::absolute(file).lexically_relative(base);
      fs::create_directories(to.parent_path());
      fs::copy_file(file, to);
      files_.push_back(to.string());
    }
  } catch (const fs::filesystem_error& error) {
    std::error_code none;
    fs::remove_all(folder_, none);
    throw std::runtime_error(root + ": cannot be copied to " + folder_ + ": " + error.code().message());
  }
  root_ = fs::is_directory(from) ? folder_ : (folder_ / from.filename()).string();
}

FreshCopy::~FreshCopy() {
  std::error_code none;
  std::filesystem::remove_all(folder_, none);
}

}  // namespace loadpath
