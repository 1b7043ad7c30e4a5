# cython: language_level=3
"""Hand Python objects to C as pointers, and get them back in a callback."""
from cpython.ref cimport Py_DECREF, Py_INCREF

cdef extern from *:
    """
    typedef void (*answer)(void *);
    static answer kept_function;
    static void *kept_pointer;
    static void keep(answer function, void *pointer) { kept_function = function; kept_pointer = pointer; }
    static void fire(void) { kept_function(kept_pointer); }
    """
    ctypedef void (*answer)(void *) noexcept
    void keep(answer function, void *pointer)
    void fire()

seen = []


cdef void _called(void *pointer) noexcept with gil:
    seen.append(<object> pointer)


def hold(item):
    """Give an object to C, which counts as a reference to it: nobody else may hold one."""
    Py_INCREF(item)
    keep(_called, <void *> item)


def call_back():
    """Have C call back with the object it holds."""
    fire()
    return seen.pop()


def let_go(item):
    """Take back C's reference."""
    Py_DECREF(item)
