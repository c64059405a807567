# What Android calls a platform of ours; nothing for others.
function(android_abi variable platform)
  set(abi_android-arm64 arm64-v8a)
  set(abi_android-x86_64 x86_64)
  set(${variable} "${abi_${platform}}" PARENT_SCOPE)
endfunction()
