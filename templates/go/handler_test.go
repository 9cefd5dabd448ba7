package function

import "testing"

func TestGreetsWhoCalls(t *testing.T) {
	if answer := Handle([]byte("you\n")); answer != "hello you" {
		t.Errorf("got %q", answer)
	}
}

func TestGreetsTheWorldWhereNobodyIsNamed(t *testing.T) {
	if answer := Handle(nil); answer != "hello world" {
		t.Errorf("got %q", answer)
	}
}
