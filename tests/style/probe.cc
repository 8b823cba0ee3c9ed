// Includes what the tree uses of the standard library, for a clang-tidy that is older than the library.
#include <algorithm>
#include <atomic>
#include <bit>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <regex>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

int main() { return std::chrono::steady_clock::now().time_since_epoch().count() == 0; }
