"""What does torch train with?"""
