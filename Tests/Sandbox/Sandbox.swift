package enum Sandbox {}
