"""ckpt when things go wrong around it: paths that are not files, failing reads, files that are cut while open, no memory, no descriptors."""
import os
import resource
import shutil
import socket
import struct
import subprocess

import torch
import torch.distributed.checkpoint as dcp
from safetensors.torch import save_file

import support

FAULTS = os.environ["LOADPATH_FAULTS"]


class Environment(support.Case):
    def run_ckpt(self, *arguments, fault=None, at=None, limits=()):
        environment = dict(os.environ)
        if fault:
            environment |= {"LD_PRELOAD": FAULTS, "LOADPATH_FAULT": fault}
        if at is not None:
            environment["LOADPATH_FAULT_AT"] = str(at)

        def limit():
            for what, value in limits:
                resource.setrlimit(what, (value, value))

        done = subprocess.run([support.CKPT, *map(str, arguments)], capture_output=True, text=True, env=environment, preexec_fn=limit, timeout=60,
                              stdin=subprocess.DEVNULL)  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def is_one_line(self, got, path, words=None):
        code, out, err = got
        self.assertEqual((code, out, err.count("\n")), (2, "", 1), got)
        self.assertTrue(err.startswith(f"ckpt: {path}"), err)
        if words:
            self.assertEqual(err, f"ckpt: {path}: {words}\n")

    def formats(self):
        """The same state dict in a file or folder of every kind."""
        state = {"linear.weight": torch.arange(20.0).reshape(2, 10), "linear.bias": torch.ones(2)}
        yield self.save(state, "zip.pth")
        yield self.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
        save_file(state, self.folder / "flat.safetensors")
        yield self.folder / "flat.safetensors"
        shards = self.folder / "shards"
        shards.mkdir()
        for i, (name, value) in enumerate(state.items()):
            save_file({name: value}, shards / f"{i}.safetensors")
        (shards / "model.safetensors.index.json").write_text('{"weight_map": {"linear.weight": "0.safetensors", "linear.bias": "1.safetensors"}}')
        yield shards
        dcp.save(state, checkpoint_id=self.folder / "dcp")
        yield self.folder / "dcp"

    def test_paths_that_are_not_files(self):
        fifo, sock, loop = (self.folder / name for name in ("fifo", "sock", "loop"))
        os.mkfifo(fifo)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(sock))
            loop.symlink_to(loop)
            device, fifo_words = "is a device; a checkpoint must be a regular file", "is a FIFO; a checkpoint must be a regular file"
            for path, words in ((fifo, fifo_words), ("/dev/zero", device), ("/dev/null", device), ("/dev/full", device), ("/dev/stdin", device),
                                (sock, "cannot be opened: No such device or address"), (loop, "cannot be opened: Too many levels of symbolic links"),
                                (self.folder / "none", "cannot be opened: No such file or directory")):  # fmt: skip
                self.is_one_line(self.run_ckpt("inspect", path, "--digest"), path, words)
                self.is_one_line(self.run_ckpt("inspect", path, "--json"), path, words)
                self.is_one_line(self.run_ckpt("convert", path, self.folder / "out"), path, words)
                self.is_one_line(self.run_ckpt("diff", path, path), path, words)
            self.is_one_line(self.run_ckpt("load", fifo, "--model", "linear"), fifo, fifo_words)
        self.assertFalse((self.folder / "out").exists())

    def test_shards_and_metadata_that_are_not_files(self):
        for index, name in (("model.safetensors.index.json", "0.safetensors"), (".metadata", None)):
            *_, shards, distributed = self.formats()
            folder = shards if name else distributed
            part = folder / (name or "__0_0.distcp")
            part.unlink()
            os.mkfifo(part)
            code, out, err = self.run_ckpt("inspect", folder, "--digest")
            self.assertEqual((code, out, err), (2, "", f"ckpt: {part}: is a FIFO; a checkpoint must be a regular file (listed in {index}): "
                                                         "put all files that it lists into one folder\n"))  # fmt: skip
            (folder / index).unlink()
            os.mkfifo(folder / index)
            code, out, err = self.run_ckpt("inspect", folder)
            self.assertEqual((code, out, err), (2, "", f"ckpt: {folder / index}: is a FIFO; a checkpoint must be a regular file\n"))
            shutil.rmtree(shards)
            shutil.rmtree(distributed)

    def test_no_permission(self):
        path = self.save({"a": torch.ones(1)})
        path.chmod(0)
        program, user = support.CKPT, {}
        if os.geteuid() == 0:
            # Root may read everything, so somebody else tries, with a program that everybody reaches.
            program, user = shutil.copy(program, self.folder), {"user": 65534, "group": 65534, "extra_groups": []}
            self.folder.chmod(0o755)
        done = subprocess.run([program, "inspect", path], capture_output=True, text=True, **user)
        self.is_one_line((done.returncode, done.stdout, done.stderr), path, "cannot be opened: Permission denied")

    def test_sparse_terabytes(self):
        limits = ((resource.RLIMIT_AS, 1500 << 20), (resource.RLIMIT_CPU, 20))
        size = 4 << 40
        for name, head, tail in (("zeros", b"", b""), ("zip", b"PK\3\4", b""), ("pickle", b"\x80\x02", b""),
                                 ("end", b"PK\3\4", b"PK\5\6" + b"\0" * 18), ("header", struct.pack("<Q", size - 8) + b"{", b"")):  # fmt: skip
            path = self.folder / name
            with open(path, "wb") as file:
                file.write(head)
                file.truncate(size)
                file.seek(size - len(tail))
                file.write(tail)
            self.is_one_line(self.run_ckpt("inspect", path, "--digest", limits=limits), path)
            path.unlink()
        # A valid file: it opens, and its one tensor does not fit into memory.
        path = self.folder / "right.safetensors"
        text = b'{"a":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            file.truncate(8 + len(text) + size)
        code, out, err = self.run_ckpt("inspect", path, limits=limits)
        self.assertEqual((code, err), (0, ""))
        self.assertIn("4.4 TB", out)
        self.is_one_line(self.run_ckpt("inspect", path, "--digest", limits=limits), path, "could not be read: out of memory")
        self.is_one_line(self.run_ckpt("inspect", path, "--digest"), path, "could not be read: out of memory")

    def test_reads_that_fail(self):
        for path in self.formats():
            arguments = ("inspect", path, "--digest", "--json")
            right = self.run_ckpt(*arguments)
            self.assertEqual((right[0], right[2]), (0, ""))
            for fault in ("eintr", "short"):
                self.assertEqual(self.run_ckpt(*arguments, fault=fault), right)
            failed = 0
            for call in range(1000):
                got = self.run_ckpt(*arguments, fault="eio", at=call)
                if got == right:
                    break
                failed += 1
                self.is_one_line(got, path)
                self.assertIn(": cannot be read: Input/output error", got[2])
            self.assertGreater(failed, 3, path)
            self.assertLess(failed, 1000)

    def test_files_that_are_cut_while_they_are_read(self):
        for original in list(self.formats()):
            path = self.folder / f"cut-{original.name}"
            for call in range(1000):
                shutil.copytree(original, path, dirs_exist_ok=True) if original.is_dir() else shutil.copyfile(original, path)
                right = self.run_ckpt("inspect", path, "--digest", "--json")
                got = self.run_ckpt("inspect", path, "--digest", "--json", fault="cut", at=call)
                if got == right:
                    break
                self.is_one_line(got, path)
                self.assertIn("it was cut while it was open", got[2])
            self.assertGreater(call, 3)

    def test_no_memory(self):
        path = self.save({"state": {f"layer.{i}.weight": torch.ones(8, 8) for i in range(20000)}, "big": torch.ones(30_000_000)})
        arguments = ("inspect", path, "--digest")
        right = self.run_ckpt(*arguments)
        refused = 0
        for megabytes in range(40, 1000, 20):
            got = self.run_ckpt(*arguments, limits=((resource.RLIMIT_AS, megabytes << 20),))
            if got == right:
                break
            self.is_one_line(got, path)
            self.assertTrue(got[2].endswith(": out of memory\n"), got[2])
            refused += 1
        self.assertEqual(got, right)
        self.assertGreater(refused, 5)

    def test_no_memory_for_a_module(self):
        path = self.save({"linear.weight": torch.arange(20.0).reshape(2, 10), "linear.bias": torch.ones(2), "more": torch.ones(1 << 26)})
        arguments = ("load", path, "--model", "linear", "--lenient")
        self.assertEqual(self.run_ckpt(*arguments)[0], 0)
        refused = set()
        for what, most in ((resource.RLIMIT_AS, 1000), (resource.RLIMIT_DATA, 200)):
            for megabytes in range(most // 10, most, most // 10):
                got = self.run_ckpt(*arguments, limits=((what, megabytes << 20),))
                if got[0] != 0:
                    self.is_one_line(got, path)
                    self.assertIn("out of memory", got[2])
                    refused.add(what)
        self.assertEqual(len(refused), 2)

    def test_too_many_open_files(self):
        *_, shards, distributed = self.formats()
        for path in (shards, distributed):
            for count in range(4, 9):
                got = self.run_ckpt("inspect", path, "--digest", limits=((resource.RLIMIT_NOFILE, count),))
                if got[0] == 0:
                    break
                self.is_one_line(got, path)
                self.assertIn("Too many open files", got[2])
            self.assertEqual(got[0], 0)

    def test_threads_that_cannot_be_had(self):
        path = self.save({f"w{i}": torch.full((1 << 20,), float(i)) for i in range(16)})
        right = self.run_ckpt("inspect", path, "--digest", "--json")
        # A thread's stack is as large as the limit on stacks, which is more than the address space has room for.
        got = self.run_ckpt("inspect", path, "--digest", "--json", limits=((resource.RLIMIT_STACK, 1 << 40), (resource.RLIMIT_AS, 400 << 20)))
        self.assertEqual(got, right)


if __name__ == "__main__":
    support.main()
