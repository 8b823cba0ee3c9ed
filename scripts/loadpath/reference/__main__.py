import os
import sys

if os.environ.get("PYTHONHASHSEED") != "0":
    # The same data give the same bytes: a recurrent module pickles its names in the order of a set.
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, "PYTHONHASHSEED": "0"})

from loadpath.reference.own import main  # noqa: E402

sys.exit(main())
