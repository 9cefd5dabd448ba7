require "minitest/autorun"
require_relative "handler"

class HandlerTest < Minitest::Test
  def test_greets_who_calls
    body, _, status = Handler.new.run("you\n", {})
    assert_equal ["hello you\n", 200], [body, status]
  end

  def test_greets_the_world_where_nobody_is_named
    assert_equal "hello world\n", Handler.new.run("", {}).first
  end
end
