"""Formats, fills and reads a board's flash image: flash_tool IMAGE format|write|read FOLDER."""

import os
import sys

import vfs
from block_device import BlockDevice

_PIECE = 512


def _copy(source, target):
    piece = bytearray(_PIECE)
    with open(source, "rb") as reader, open(target, "wb") as writer:
        while True:
            count = reader.readinto(piece)
            if not count:
                return
            writer.write(piece, count)


def _copy_tree(source, target):
    for entry in sorted(os.ilistdir(source)):
        name, kind = entry[0], entry[1]
        if kind == 0x4000:
            try:
                os.mkdir(target + "/" + name)
            except OSError:
                pass
            _copy_tree(source + "/" + name, target + "/" + name)
        else:
            _copy(source + "/" + name, target + "/" + name)


def _main(image, task, folder):
    device = BlockDevice(image)
    if task == "format":
        vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device, mtime=False), "/flash")
    if task == "read":
        _copy_tree("/flash", folder)
    else:
        _copy_tree(folder, "/flash")
    vfs.umount("/flash")


_main(sys.argv[1], sys.argv[2], sys.argv[3])
