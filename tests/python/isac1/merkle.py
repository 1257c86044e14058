"""Sections 5 and 6: salts, item trees, multiproofs, audit paths."""
import hashlib
import struct

from .tables import LIMIT


def H(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def salt(secret, index):
    return hashlib.blake2b(b"isac1 salt" + struct.pack(">I", index), key=secret, digest_size=16).digest()


def item_leaf(salt_bytes, item):
    return H(b"\0" + salt_bytes + item)


def receipt_leaf(body):
    return H(b"\0" + body)


def node(left, right):
    return H(b"\1" + left + right)


def split(n):
    """The largest power of two smaller than n."""
    return 1 << ((n - 1).bit_length() - 1)


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def multiproof(leaves, shown):
    """Hashes of the subtrees that hold no shown leaf, left before right from the root down."""
    shown = set(shown)

    def walk(first, count):
        if not any(first <= i < first + count for i in shown):
            return [root(leaves[first:first + count])]
        if count == 1:
            return []
        k = split(count)
        return walk(first, k) + walk(first + k, count - k)
    return walk(0, len(leaves))


def multiproof_root(count, shown, proof):
    """The root that shown leaves [(index, hash)] and a proof give, or None if their shape is wrong."""
    if not 1 <= count <= LIMIT["ITEMS"] or any(len(h) != 32 for h in [*proof, *(leaf for _, leaf in shown)]):
        return None
    indexes = [index for index, _ in shown]
    if any(a >= b for a, b in zip(indexes, indexes[1:])) or (indexes and indexes[-1] >= count) or min(indexes, default=0) < 0:
        return None
    rest = list(proof)[::-1]

    def walk(first, size, part):
        if not part:
            return rest.pop()
        if size == 1:
            return part[0][1]
        k = split(size)
        left = walk(first, k, [p for p in part if p[0] < first + k])
        return node(left, walk(first + k, size - k, [p for p in part if p[0] >= first + k]))
    try:
        got = walk(0, count, list(shown))
    except IndexError:
        return None
    return None if rest else got


def audit_path(leaves, index):
    """RFC 6962's path, from leaf to root."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return audit_path(leaves[:k], index) + [root(leaves[k:])]
    return audit_path(leaves[k:], index - k) + [root(leaves[:k])]


def audit_root(leaf, index, size, path):
    """The root that a leaf's path gives, or None if the path is not of this tree's shape."""
    if index >= size or any(len(h) != 32 for h in path):
        return None
    rest = list(path)

    def walk(at, n):
        if n == 1:
            return leaf
        k = split(n)
        sibling = rest.pop()
        return node(walk(at, k), sibling) if at < k else node(sibling, walk(at - k, n - k))
    try:
        got = walk(index, size)
    except IndexError:
        return None
    return None if rest else got
