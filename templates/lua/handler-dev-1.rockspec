rockspec_format = "3.0"
package = "handler"
version = "dev-1"
source = { url = "file://." }
dependencies = {
  "lua >= 5.4",
}
build = { type = "builtin", modules = {} }
