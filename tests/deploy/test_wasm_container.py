"""Object files as modules: what a linker would write stands there already, and what cannot stand alone is refused."""

import pytest

pytest.importorskip("llvmlite")

from tinygrad_cv.compiler.runtime.objects import compile_object
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.deploy.wasm import Reader, module, signed, unsigned

TEXT = """
@numbers = internal constant [3 x i32] [i32 5, i32 6, i32 7]
define internal i32 @twice(i32 %x) noinline { %y = mul i32 %x, 2 ret i32 %y }
define i32 @pick(i32 %i) {
  %at = getelementptr i32, ptr @numbers, i32 %i
  %x = load i32, ptr %at
  %y = call i32 @twice(i32 %x)
  ret i32 %y
}
"""


@pytest.mark.parametrize("number", [0, 1, 63, 64, 127, 128, 300, 2**31, -1, -64, -65, -(2**31)])
def test_numbers_are_read_as_they_are_written(number):
    assert Reader(signed(number)).signed() == number
    if number >= 0:
        assert Reader(unsigned(number)).unsigned() == number


def test_a_place_with_another_number_is_found():
    code = compile_object(TEXT, named("wasm32"))
    assert b"\4base\3\0\6memory\2\0\4pick\0\1" in module(code, ["pick"]).code
    call = b"\x10\x80\x80\x80\x80\0"  # of function 0, its number in as many bytes as a linker may need
    assert code.count(call) == 1
    wrong = code.replace(call, b"\x10\x81\x80\x80\x80\0")
    with pytest.raises(ValueError, match="stands where a linker would write"):
        module(wrong, ["pick"])


def test_instances_that_share_memory_have_stacks_of_their_own():
    text = "declare void @g(ptr) define void @f() { %x = alloca [64 x i8] call void @g(ptr %x) ret void }".replace(
        "declare void @g(ptr)", "define void @g(ptr %x) noinline { store volatile i8 1, ptr %x ret void }"
    )
    alone, shared = (module(compile_object(text, named("wasm32")), ["f"], 100, threads) for threads in (1, 3))
    assert b"\6memory\2\0" in alone.code
    assert b"\3env\6memory\2\3\4\4" in shared.code  # imported, shared, four pages at least and at most
    assert b"\5stack\3\0" in shared.code
    assert (alone.pages, shared.pages) == (2, 4)


def test_what_nothing_defines_is_named():
    text = "declare float @sinf(float) define float @f(float %x) { %y = call float @sinf(float %x) ret float %y }"
    with pytest.raises(ValueError, match="it calls sinf, which nothing defines"):
        module(compile_object(text, named("wasm32")), ["f"])
