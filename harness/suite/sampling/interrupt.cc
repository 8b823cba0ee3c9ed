#include "harness/suite/sampling/interrupt.h"

#include <signal.h>

#include <csignal>

namespace loadpath {
namespace {

volatile std::sig_atomic_t interrupted = 0;

constexpr int kSignals[] = {SIGINT, SIGTERM};

// Only the first signal is noted, whichever of the two it is.
void Note(int) {
  interrupted = 1;
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (const int number : kSignals) sigaction(number, &usual, nullptr);
}

}  // namespace

void NoteInterrupts() {
  struct sigaction action {};
  action.sa_handler = Note;
  // A read that the signal meets goes on: it is part of a sample that is to be finished.
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals) sigaction(number, &action, nullptr);
}

bool Interrupted() { return interrupted != 0; }

}  // namespace loadpath
