# What every target of this project is compiled with.
#
# No contraction: a multiplication and an addition fused into one instruction round once, and the bytes would differ from
# the instruction sets that lack it.
function(narrow_target target)
  set_target_properties(
    ${target}
    PROPERTIES CXX_STANDARD 17
               CXX_STANDARD_REQUIRED ON
               CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               POSITION_INDEPENDENT_CODE ON)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 /fp:precise)
    return()
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion -ffp-contract=off -ffunction-sections
                                           -fdata-sections)
  if(NARROW_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${NARROW_SANITIZE} -fno-sanitize-recover=all -g
                                             -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=${NARROW_SANITIZE})
  endif()
endfunction()
