"""A program that speaks the worker's language and measures nothing: what it answers stands in a JSON file, by case, with
times in microseconds. `python fake_worker.py FILE --worker`."""
import json
import os
import random
import sys
import time

if sys.argv[2] != "--worker":
    sys.exit(2)
answers = json.load(open(sys.argv[1]))
source = random.Random(os.getpid() * 1000003 + time.monotonic_ns())
for line in sys.stdin:
    request = json.loads(line)
    what = request["do"]
    if what == "quit":
        break
    if what == "hello":
        answer = {"v": 1, "program": "fake", "version": "1", **answers.get("facts", {})}
    elif what == "list":
        answer = {"cases": [{"name": name, "case": "load", "cache": "hot"} for name in answers["cases"]]}
    else:
        case = answers["cases"][request["case"]]
        if case.get("does") == "hang":
            time.sleep(600)
        if case.get("does") == "die":
            os.kill(os.getpid(), 9)
        if case.get("does") == "garbage":
            print("garbage", flush=True)
            continue
        answer = {"case": request["case"], "status": case.get("status", "ok"), "samples": []}
        if "reason" in case:
            answer["reason"] = case["reason"]
        if answer["status"] == "ok":
            factor = 1 + source.gauss(0, case.get("noise", 0.01))
            sample = {"wall_ns": 1000 * case["us"] * factor, "phases_ns": {"load": 1000 * case["us"] * factor}, "costs": case.get("costs", {})}
            answer["first"] = {"wall_ns": 2000 * case["us"] * factor}
            sample.update(case.get("sample", {}))
            answer["samples"] = [sample] * request["samples"]
    print(json.dumps(answer), flush=True)
