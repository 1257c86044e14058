"""Section 6: what makes a receipt a promise."""
import struct

from . import merkle, sign
from .messages import pb
from .scan import Refused, opened

STORED = (200, 202, 208)


def verify(receipt, hub_id, public, report_id=None, header=None):
    """The ReceiptBody, proved by batch proof and hub signature; Refused otherwise.

    Give the report's id and header bytes whenever they are at hand: a proof about something else proves nothing."""
    if receipt.code not in STORED:
        raise Refused(401, f"a refusal is no promise ({receipt.code})")
    root = merkle.audit_root(merkle.receipt_leaf(receipt.body), receipt.batch_index, receipt.batch_size, receipt.batch_proof)
    signed = (root or b"") + struct.pack(">I", receipt.batch_size)
    if root is None or not sign.verify(public, "receipt", hub_id, signed, receipt.hub_signature):
        raise Refused(401, "receipt does not verify")
    body = opened(receipt.body, pb.ReceiptBody, reader=True)
    if body.seq == 0 or body.log_index != body.seq - 1:
        raise Refused(401, "seq and log_index do not agree")
    if body.report_id != receipt.report_id or len(body.report_id) != 16 or len(body.header_hash) != 32:
        raise Refused(401, "receipt of another report")
    if report_id is not None and body.report_id != report_id:
        raise Refused(401, "receipt of another report")
    if header is not None and body.header_hash != merkle.H(header):
        raise Refused(401, "receipt of another header")
    return body
