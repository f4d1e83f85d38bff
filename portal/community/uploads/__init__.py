"""What people send us: told by content, made anew, kept under random names in the data folder.

Nothing is served as it came. Pictures are drawn again by a child process with narrow limits; PDF files that could do
anything are refused; texts are written anew.
"""
