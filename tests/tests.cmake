# What runs programs: stories, the second implementation, faults; and the other builds' tests: sanitizers, fuzz smoke, clang-tidy.
# Belongs to builds that users could run; what needs the builds beside it (tests/run.sh makes them) appears only where they exist.
# PROCESSORS is what a test keeps busy: `ctest -j2` runs two fuzzers at a time, and a story suite, which has two workers, alone.
find_program(PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(others ${CMAKE_BINARY_DIR}/..)
set(sanitizer_env "ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1" "UBSAN_OPTIONS=print_stacktrace=1"
	"TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=${CMAKE_SOURCE_DIR}/tests/tidy/tsan.supp")

if(ISAC_FUZZ)
	return()
endif()
if(ISAC_SANITIZE)       # the unit tests of this build are all that is run from within it
	get_property(units DIRECTORY PROPERTY TESTS)
	set_tests_properties(${units} PROPERTIES ENVIRONMENT "${sanitizer_env}")
	return()
endif()

# A story that waits for ever fails by itself, with what its hub said, and the rest are run: the longest takes a minute, under a sanitizer two.
set(story_seconds 400)
function(isac_pytest name label paths)          # further arguments: environment
	add_test(NAME ${name} COMMAND ${PYTHON} -m pytest -q -n 2 --timeout ${story_seconds} -p no:cacheprovider ${paths} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 1800 PROCESSORS 2 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;${ARGN}")
endfunction()

set(here "ISAC_BIN=${CMAKE_BINARY_DIR}/bin")
isac_pytest(story story tests/story ${here})
isac_pytest(python story tests/python ${here})
function(isac_fault name)                         # further arguments: check.py's
	add_test(NAME fault_${name} COMMAND ${PYTHON} tests/fault/check.py ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	set_tests_properties(fault_${name} PROPERTIES LABELS fault TIMEOUT 600 RUN_SERIAL TRUE SKIP_RETURN_CODE 77
		ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1;${here}")
endfunction()
isac_fault(kills --kills 50)
isac_fault(power --power-cuts 4)
isac_fault(control --control --kills 5)
isac_fault(eio --fault eio --times 4)
isac_fault(full --fault full --times 4)
isac_fault(stop_backend --fault stop-backend --times 4)
isac_fault(stop_core --fault stop-core --times 4)
isac_fault(lose_answer --fault lose-answer --times 25)

add_test(NAME tidy COMMAND ${PYTHON} tests/tidy/check.py WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
add_test(NAME tidy_format COMMAND sh tests/tidy/format.sh WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(tidy tidy_format PROPERTIES LABELS unit TIMEOUT 120)

if(NOT EXISTS ${others}/asan/bin OR NOT EXISTS ${others}/fuzz/bin OR NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
	return()
endif()
foreach(build asan tsan clang)
	add_test(NAME ${build}_unit COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${others}/${build} -L unit -E ^tidy --output-on-failure -j2)
	set_tests_properties(${build}_unit PROPERTIES LABELS sanitize TIMEOUT 900 PROCESSORS 2)
endforeach()

# Not test_filter_sql: it is about PostgreSQL's answers, and what makes the SQL has its unit tests. Not test_bench: it is about what measures.
set(sanitized tests/story tests/python/test_live.py --ignore=tests/story/test_filter_sql.py --ignore=tests/story/test_bench.py)
foreach(build asan tsan)
	isac_pytest(${build}_story sanitize "${sanitized}" "ISAC_BIN=${others}/${build}/bin" ISAC_SLOW=6 ${sanitizer_env})
endforeach()

file(GLOB targets CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/fuzz ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/*.c)
set(seconds 60)
if(DEFINED ENV{ISAC_FUZZ_SECONDS})
	set(seconds $ENV{ISAC_FUZZ_SECONDS})
endif()
foreach(source ${targets})
	get_filename_component(name ${source} NAME_WE)
	add_test(NAME fuzz_${name} COMMAND sh tests/fuzz/run.sh ${name} ${seconds} ${others}/fuzz WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
	math(EXPR limit "${seconds} + 240")
	set_tests_properties(fuzz_${name} PROPERTIES LABELS fuzz TIMEOUT ${limit})
endforeach()

add_test(NAME tidy_clang COMMAND sh tests/tidy/clang.sh ${others}/clang WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(tidy_clang PROPERTIES LABELS tidy TIMEOUT 1200 PROCESSORS 2)
