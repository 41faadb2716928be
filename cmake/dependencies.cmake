# All from Debian packages; nothing is downloaded.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Poco REQUIRED COMPONENTS Foundation Net JSON Util)
find_package(fmt REQUIRED)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
find_path(RPX_CLI11_DIR CLI/CLI.hpp REQUIRED)
find_path(RPX_TOMLPP_DIR toml++/toml.h REQUIRED)
