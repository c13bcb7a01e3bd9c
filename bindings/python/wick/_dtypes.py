# SPDX-License-Identifier: MIT
"""PyTorch's dtypes by PyTorch's names."""

import enum


class DType(enum.IntEnum):
    """The type of a tensor's elements. wick.float32 is DType.float32."""

    float32 = 0
    float64 = 1
    float16 = 2
    bfloat16 = 3
    float8_e4m3fn = 4
    float8_e5m2 = 5
    float8_e4m3fnuz = 6
    float8_e5m2fnuz = 7
    float8_e8m0fnu = 8
    uint8 = 9
    int8 = 10
    int16 = 11
    int32 = 12
    int64 = 13
    uint16 = 14
    uint32 = 15
    uint64 = 16
    bool = 17
    complex32 = 18
    complex64 = 19
    complex128 = 20
    int1 = 21
    int2 = 22
    int3 = 23
    int4 = 24
    int5 = 25
    int6 = 26
    int7 = 27
    uint1 = 28
    uint2 = 29
    uint3 = 30
    uint4 = 31
    uint5 = 32
    uint6 = 33
    uint7 = 34
    bits1x8 = 35
    bits2x4 = 36
    bits4x2 = 37
    bits8 = 38
    bits16 = 39
    float4_e2m1fn_x2 = 40
    bcomplex32 = 41

    def __repr__(self) -> str:
        return f"wick.{self.name}"

    __str__ = __repr__


# Those that NumPy, memoryview and ctypes have, as NumPy writes them behind the byte order.
TYPESTR = {
    DType.float32: "f4", DType.float64: "f8", DType.float16: "f2", DType.uint8: "u1", DType.int8: "i1",
    DType.int16: "i2", DType.int32: "i4", DType.int64: "i8", DType.uint16: "u2", DType.uint32: "u4",
    DType.uint64: "u8", DType.bool: "b1", DType.complex64: "c8", DType.complex128: "c16",
}
OF_TYPESTR = {text: dtype for dtype, text in TYPESTR.items()}
# As the struct module writes them.
FORMAT = {
    DType.float32: "f", DType.float64: "d", DType.float16: "e", DType.uint8: "B", DType.int8: "b",
    DType.int16: "h", DType.int32: "i", DType.int64: "q", DType.uint16: "H", DType.uint32: "I",
    DType.uint64: "Q", DType.bool: "?",
}
