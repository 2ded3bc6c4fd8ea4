// csmith's programs include it, but use nothing of it.
