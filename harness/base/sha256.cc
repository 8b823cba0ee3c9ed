#include "harness/base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace loadpath {
namespace {

// Fetched once, because each look-up takes OpenSSL's locks.
const EVP_MD* Algorithm() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) throw std::runtime_error("SHA-256 is not available in this OpenSSL");
  return algorithm;
}

class Digester {
 public:
  Digester() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    Require(context_ && EVP_DigestInit_ex2(context_.get(), Algorithm(), nullptr) == 1);
  }
  void Add(std::span<const std::byte> bytes) {
    Require(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string Finish() {
    std::array<unsigned char, 32> digest{};
    unsigned int size = 0;
    Require(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1 && size == digest.size());
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
      text += kHex[byte >> 4];
      text += kHex[byte & 15];
    }
    return text;
  }

 private:
  // The algorithm is known, so only an allocation can fail.
  static void Require(bool done) {
    if (!done) throw std::bad_alloc();
  }
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

void PrepareSha256() { Algorithm(); }

std::string Sha256(std::span<const std::byte> bytes) {
  Digester digester;
  digester.Add(bytes);
  return digester.Finish();
}

std::string Sha256(const FileSource& file) {
  constexpr std::uint64_t kPiece = std::uint64_t{1} << 20;
  Digester digester;
  std::vector<std::byte> buffer;
  for (std::uint64_t at = 0; at < file.size(); at += kPiece) {
    digester.Add(file.Get(at, std::min(kPiece, file.size() - at), buffer));
  }
  return digester.Finish();
}

}  // namespace loadpath
