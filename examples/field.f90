! SPDX-License-Identifier: MIT
! A network of PyTorch's in a simulation in Fortran: see field.c.
!
!     field wet_bulb.pt

! What this program needs of the C interface. Handles are c_ptr, statuses are c_int32_t, texts end with
! c_null_char; the other functions of wick/c/wick.h are declared in the same manner.
module wick
  use, intrinsic :: iso_c_binding
  implicit none
  private
  public :: wick_load, wick_value_get, wick_sequential_from_state_dict, wick_plan_create, wick_plan_run_memory
  public :: wick_free, need, c_text

  interface
    function wick_load(path, device, flags, value) bind(c) result(status)
      import :: c_char, c_int, c_int32_t, c_ptr
      character(kind=c_char), intent(in) :: path(*), device(*)
      integer(c_int), value :: flags
      type(c_ptr), intent(out) :: value
      integer(c_int32_t) :: status
    end function
    function wick_value_get(dict, key, value) bind(c) result(status)
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: dict
      character(kind=c_char), intent(in) :: key(*)
      type(c_ptr), intent(out) :: value
      integer(c_int32_t) :: status
    end function
    function wick_sequential_from_state_dict(state, activation, module) bind(c) result(status)
      import :: c_char, c_int32_t, c_ptr
      type(c_ptr), value :: state
      character(kind=c_char), intent(in) :: activation(*)
      type(c_ptr), intent(out) :: module
      integer(c_int32_t) :: status
    end function
    function wick_plan_create(module, sample_shape, sample_dims, max_batch, plan) bind(c) result(status)
      import :: c_int32_t, c_int64_t, c_ptr, c_size_t
      type(c_ptr), value :: module, sample_shape
      integer(c_size_t), value :: sample_dims
      integer(c_int64_t), value :: max_batch
      type(c_ptr), intent(out) :: plan
      integer(c_int32_t) :: status
    end function
    function wick_plan_run_memory(plan, input, output, samples) bind(c) result(status)
      import :: c_float, c_int32_t, c_int64_t, c_ptr
      type(c_ptr), value :: plan
      real(c_float), intent(in) :: input(*)
      real(c_float), intent(out) :: output(*)
      integer(c_int64_t), value :: samples
      integer(c_int32_t) :: status
    end function
    function wick_free(handle) bind(c) result(status)
      import :: c_int32_t, c_ptr
      type(c_ptr), value :: handle
      integer(c_int32_t) :: status
    end function
    function wick_message() bind(c) result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function
    function strlen(text) bind(c) result(length)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: length
    end function
  end interface

contains

  ! A text as C has it.
  pure function c_text(text)
    character(*), intent(in) :: text
    character(kind=c_char, len=len_trim(text) + 1) :: c_text
    c_text = trim(text) // c_null_char
  end function

  ! Whatever fails ends the program, with the message of wick; a simulation would go on with its own formula.
  subroutine need(status)
    integer(c_int32_t), intent(in) :: status
    character(kind=c_char), pointer :: message(:)
    type(c_ptr) :: text
    if (status == 0) return
    text = wick_message()
    call c_f_pointer(text, message, [strlen(text)])
    print '(*(a))', 'field: ', message
    stop 1
  end subroutine
end module

program field
  use, intrinsic :: iso_c_binding
  use wick
  implicit none
  integer, parameter :: rows = 180, cols = 360
  ! The first index runs fastest: the two features of a cell lie beside each other, as the network wants them.
  real(c_float) :: in(2, cols, rows), out(cols, rows)
  real :: t, h, worst
  type(c_ptr) :: file, state, model, plan
  character(4096) :: path
  integer :: row, col

  if (command_argument_count() /= 1) then
    print '(a)', 'usage: field wet_bulb.pt'
    stop 2
  end if
  call get_command_argument(1, path)
  call need(wick_load(c_text(path), c_text('cpu'), 0_c_int, file))
  call need(wick_value_get(file, c_text('model'), state))
  call need(wick_sequential_from_state_dict(state, c_text('Tanh'), model))
  call need(wick_plan_create(model, c_null_ptr, 0_c_size_t, 1024_c_int64_t, plan))
  call need(wick_free(model))
  call need(wick_free(state))
  call need(wick_free(file))

  do row = 1, rows  ! warm in the middle, dry in the east
    do col = 1, cols
      in(1, col, row) = (2 + 36 * sin(3.14159265 * (row - 0.5) / rows)) / 40
      in(2, col, row) = (95 - 70.0 * (col - 1) / cols) / 100
    end do
  end do
  call need(wick_plan_run_memory(plan, in, out, int(rows * cols, c_int64_t)))
  call need(wick_free(plan))

  worst = 0
  do row = 1, rows
    do col = 1, cols
      t = 40 * in(1, col, row)
      h = 100 * in(2, col, row)
      worst = max(worst, abs(40 * out(col, row) - stull(t, h)))
    end do
  end do
  print '(i0, a, f4.2, a)', rows * cols, ' cells, at most ', worst, ' degrees from the formula'
  if (worst >= 0.5) stop 1

contains

  ! What the network has learned: https://doi.org/10.1175/JAMC-D-11-0143.1
  pure real function stull(t, h)
    real, intent(in) :: t, h
    stull = t * atan(0.151977 * sqrt(h + 8.313659)) + atan(t + h) - atan(h - 1.676331) &
      + 0.00391838 * h**1.5 * atan(0.023101 * h) - 4.686035
  end function
end program
