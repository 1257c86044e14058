# What runs programs: stories, interoperation, the other builds' unit tests, fuzz smoke, faults, tidiness.
# They live in the release build (tests/run.sh builds the others beside it) and appear only where their build exists.
find_program(PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(others ${CMAKE_BINARY_DIR}/..)

function(isac_pytest name label folder)         # further arguments: environment
	add_test(NAME ${name} COMMAND ${PYTHON} -m pytest -q -p no:cacheprovider ${folder} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES LABELS "${label}" TIMEOUT 1800
		ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;ISAC_ASAN_BIN=${others}/asan/bin;${ARGN}")
endfunction()

add_test(NAME tidy COMMAND ${PYTHON} tests/tidy/check.py WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME tidy_format COMMAND sh tests/tidy/format.sh WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(tidy tidy_format PROPERTIES LABELS unit TIMEOUT 120)

isac_pytest(story story tests/story "ISAC_BIN=${CMAKE_BINARY_DIR}/bin")

if(EXISTS ${others}/asan/bin)
	foreach(build asan tsan clang)
		add_test(NAME ${build}_unit COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${others}/${build} -L unit --output-on-failure -j2)
		set_tests_properties(${build}_unit PROPERTIES LABELS sanitize TIMEOUT 900)
	endforeach()
	foreach(build asan tsan)
		isac_pytest(${build}_story sanitize tests/story "ISAC_BIN=${others}/${build}/bin" ISAC_SLOW=6
			"ASAN_OPTIONS=abort_on_error=1:detect_leaks=1" "TSAN_OPTIONS=halt_on_error=1:suppressions=${CMAKE_SOURCE_DIR}/tests/tidy/tsan.supp")
	endforeach()
endif()
