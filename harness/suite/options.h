#ifndef LOADPATH_HARNESS_SUITE_OPTIONS_H_
#define LOADPATH_HARNESS_SUITE_OPTIONS_H_

#include <stdexcept>
#include <string>
#include <vector>

namespace loadpath::bench {

/// Bad use of the command line: one line for standard error, exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// --checkpoint FILE[::key.path]
struct UserCheckpoint {
  std::string file, key;
};

struct Options {
  std::string filter;  ///< a regular expression; "-" before it turns it round; empty: the usual cases
  bool list = false;
  std::string device = "cpu", cache = "hot";
  std::string json, data;
  std::vector<UserCheckpoint> checkpoints;
  int repetitions = 10;
  bool quick = false;
  bool google_format = false;             ///< Google Benchmark writes to the console, not our table
  bool google_min_time = false;           ///< Google Benchmark decides how many iterations a repetition has
  std::vector<std::string> google_flags;  ///< passed through
  std::string command;                    ///< as typed, for the record
  std::string executable;
  /// A fresh process of startup/…: the case, and when its parent started it (CLOCK_MONOTONIC, ns).
  std::string startup_sample;
  long long started_at = 0;
};

/// Throws UsageError. Prints the help and returns false where it was asked for.
bool ParseOptions(int argc, char** argv, Options& options);

}  // namespace loadpath::bench

#endif  // LOADPATH_HARNESS_SUITE_OPTIONS_H_
