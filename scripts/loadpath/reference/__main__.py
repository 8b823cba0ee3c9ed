import sys

from loadpath.reference.own import main

sys.exit(main())
